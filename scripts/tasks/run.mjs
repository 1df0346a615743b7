#!/usr/bin/env node
// Entry of every npm script: `node scripts/tasks/run.mjs <task> [arguments]`. It and what it imports use nothing but
// Node, so that a fresh clone can start with any task. This file must parse on old Nodes too: it tells them so.

const FLOOR = { major: 20, minor: 19 };
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < FLOOR.major || (major === FLOOR.major && minor < FLOOR.minor)) {
  console.error(
    `Sibyl needs Node ${FLOOR.major}.${FLOOR.minor} or newer; this is Node ${process.versions.node} (${process.execPath}).`,
  );
  process.exitCode = 1;
} else {
  import("./tasks.mjs")
    .then(({ runTask }) => runTask(process.argv.slice(2)))
    .then((exitCode) => {
      process.exitCode = exitCode;
    })
    .catch((error) => {
      console.error(error);
      process.exitCode = 1;
    });
}
