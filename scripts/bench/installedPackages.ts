/** An entry of a lockfile's `packages`, as far as it says what a package needs. */
export interface LockedPackage {
  resolved?: string;
  link?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

type Packages = Readonly<Record<string, LockedPackage>>;

/**
 * Where the packages lie that these places need, and what those need in turn, the places themselves left out.
 *
 * @param isInstalled Optional packages of other platforms and peers that nobody wants are not.
 * @throws Error when one that has to be there is not.
 */
export function neededPackages(
  packages: Packages,
  from: readonly string[],
  isInstalled: (place: string) => boolean,
): string[] {
  const needed = new Set<string>();
  const waiting = [...from];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = packages[place] ?? {};
    const names = Object.keys({ ...optionalDependencies, ...peerDependencies, ...dependencies });
    for (const name of names) {
      const found = placeOf(packages, place, name);
      const target = found !== null && packages[found]?.link ? (packages[found].resolved ?? null) : found;
      if (target === null || !isInstalled(target)) {
        if (name in dependencies && !(name in optionalDependencies)) {
          throw new Error(`${name}, which ${place} needs, is not installed`);
        }
        continue;
      }
      if (needed.has(target) || from.includes(target)) continue;
      needed.add(target);
      waiting.push(target);
    }
  }
  return [...needed].sort();
}

/** Node's resolution: from the package's own folder upwards. */
function placeOf(packages: Packages, place: string, name: string): string | null {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    const candidate = `${folder ? `${folder}/` : ""}node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (folder === "") return null;
  }
}
