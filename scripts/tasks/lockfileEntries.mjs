/**
 * @typedef {{ version?: string, resolved?: string, integrity?: string, link?: boolean, dev?: boolean, optional?: boolean,
 *   os?: string[], cpu?: string[], libc?: string[], dependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string> }} LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages
 */

const SYSTEMS = new Set([
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
]);
const PROCESSORS = new Set([
  "arm",
  "arm64",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "x64",
]);
const LIBRARIES = new Map([
  ["gnu", "glibc"],
  ["musl", "musl"],
]);
const EXACT = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;

/**
 * The entries that a lockfile lacks: optional dependencies of its packages that it places nowhere.
 *
 * npm leaves an optional package of another platform out when the registry that it wrote the lockfile with does not
 * have it, and `npm ci` then refuses that lockfile everywhere. Such packages are told by their names.
 *
 * @param {LockedPackages} packages
 * @returns {{ entries: LockedPackages, unknown: string[] }} `unknown`: those whose platform or version cannot be told.
 */
export function missingEntries(packages) {
  /** @type {LockedPackages} */
  const entries = {};
  const unknown = [];
  for (const [place, locked] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(locked.optionalDependencies ?? {})) {
      if (isPlaced(packages, place, name)) continue;
      const platform = platformOf(name);
      if (platform === null || !EXACT.test(version)) {
        unknown.push(`${name}@${version}, wanted by ${place || "the root"}`);
        continue;
      }
      const { cpu, libc, os } = platform;
      // npm's order of keys, so that its next write changes nothing.
      const dev = locked.dev && { dev: true };
      entries[`node_modules/${name}`] = {
        version,
        cpu: [cpu],
        ...dev,
        ...(libc && { libc: [libc] }),
        optional: true,
        os: [os],
      };
    }
  }
  return { entries, unknown };
}

/**
 * Node's resolution: from the package's own folder upwards.
 *
 * @param {LockedPackages} packages @param {string} place @param {string} name
 */
function isPlaced(packages, place, name) {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    if (packages[`${folder ? `${folder}/` : ""}node_modules/${name}`] !== undefined) return true;
    if (folder === "") return false;
  }
}

/** @param {string} name For example `@biomejs/cli-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.split(/[^a-z0-9]+/);
  const os = words.find((word) => SYSTEMS.has(word));
  const cpu = words.map((word) => (word === "amd64" ? "x64" : word)).find((word) => PROCESSORS.has(word));
  const libc = words.map((word) => LIBRARIES.get(word)).find((library) => library !== undefined);
  return os && cpu ? { os, cpu, libc } : null;
}

/** @param {LockedPackages} packages Whose entry names a download address; a link's address is a folder here. */
export function withAddress(packages) {
  return Object.entries(packages)
    .filter(([, { resolved, link }]) => resolved !== undefined && !link)
    .map(([place]) => place);
}
