import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
/** @type {Record<string, string>} */
const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

/**
 * The path of a Foundry tool's native binary.
 *
 * The shims that npm links into `node_modules/.bin` exit with 0 also when a test failed, so nothing here calls them.
 *
 * @param {"forge" | "anvil"} name
 * @returns {string} absolute path
 * @throws {Error} when npm installed no binary for this platform
 */
export function foundryBinary(name) {
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const packageName = `@foundry-rs/${name}-${process.platform}-${architecture}`;
  const file = process.platform === "win32" ? `${name}.exe` : name;
  try {
    // It is an optional dependency of `@foundry-rs/<name>`, so it may lie below that package.
    const from = createRequire(require.resolve(`@foundry-rs/${name}/package.json`));
    return from.resolve(`${packageName}/bin/${file}`);
  } catch (cause) {
    throw new Error(`${name}: package ${packageName} is not installed; run \`npm ci\` on this platform`, {
      cause,
    });
  }
}
