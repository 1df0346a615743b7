/**
 * A lockfile's packages by place, as npm writes them.
 *
 * @typedef {Record<string, { version?: string, integrity?: string, link?: boolean, optional?: boolean,
 *   dependencies?: Record<string, string> }>} LockedPackages
 */

/**
 * Says what an installation lacks, or null when it is what the lockfile asks for.
 *
 * Compares contents: file times lie after a checkout. Optional packages may be absent, because npm leaves out those
 * of other platforms.
 *
 * @param {LockedPackages} locked `packages` of package-lock.json.
 * @param {LockedPackages | null} installed `packages` of node_modules/.package-lock.json, which npm writes last, so
 * an interrupted installation has none.
 * @returns {string | null}
 */
export function installDifference(locked, installed) {
  if (installed === null) return "nothing is installed";
  for (const [place, wanted] of Object.entries(locked)) {
    if (place === "") continue;
    const found = installed[place];
    if (found === undefined) {
      if (wanted.optional) continue;
      return `${place} is missing`;
    }
    if (found.version !== wanted.version) {
      return `${place} is ${found.version ?? "a link"}, not ${wanted.version ?? "a link"}`;
    }
    if (found.integrity !== wanted.integrity) return `${place} has other contents`;
    if (found.link !== wanted.link) return `${place} is no longer ${wanted.link ? "a package" : "a link"}`;
  }
  const extra = Object.keys(installed).find((place) => locked[place] === undefined);
  return extra === undefined ? null : `${extra} is no longer wanted`;
}
