// Loaded into a node before its own code: while the file CHAOS_DISK_FULL_FILE exists, every disk has no room left.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const flag = process.env.CHAOS_DISK_FULL_FILE ?? "";
const { statfsSync, existsSync } = fs;

fs.statfsSync = /** @type {typeof fs.statfsSync} */ (
  (/** @type {any[]} */ ...args) => {
    const found = /** @type {any} */ (statfsSync)(...args);
    return existsSync(flag) ? Object.assign(found, { bavail: 0, bfree: 0 }) : found;
  }
);
syncBuiltinESMExports();
