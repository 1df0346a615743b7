/** The page's element with an id; the page is wrong if it has none of that kind. */
export function element<Kind extends Element>(id: string, kind: abstract new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} #${id}`);
}

export function show(target: HTMLElement, visible: boolean): void {
  target.hidden = !visible;
}

/** A part of 1 with 18 decimals, in percent. */
export function percent(wad: bigint): string {
  return `${(Number(wad / 10n ** 12n) / 10_000).toFixed(1)} %`;
}
