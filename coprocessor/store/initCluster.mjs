// Makes a new Postgres cluster in an empty directory. Runs as a process of its own, because `initdb` takes seconds
// of CPU and 500 MB that a process never gives back: node initCluster.mjs <directory>
import { PGlite } from "@electric-sql/pglite";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("usage: initCluster.mjs <directory>");
const database = await PGlite.create(directory);
await database.exec("checkpoint");
await database.close();
