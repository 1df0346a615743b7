import { describe, expect, test } from "vitest";
import { type BundlerOptions, createBundler } from "../../../coprocessor/peers/bundler.ts";

const body = (n: number) => Uint8Array.of(n);

/** A bundler with what it sent, as numbers. */
function bundling({ most = 64, ...more }: { most?: number } & Partial<BundlerOptions> = {}) {
  const bundles: number[][] = [];
  const bundler = createBundler({
    gapMs: 0,
    fitting: (bodies) => Math.min(most, bodies.length),
    send: async (bodies) => void bundles.push(bodies.map(([n]) => n as number)),
    ...more,
  });
  return { bundler, bundles };
}

describe("bundler", () => {
  test("lone message: it goes at the end of the turn, also right after another bundle's gap", async () => {
    const { bundler, bundles } = bundling({ gapMs: 60_000 });
    const sent = bundler.add(body(1));
    expect(bundles).toEqual([]);
    await new Promise(setImmediate);
    expect(bundles).toEqual([[1]]);
    await sent;
  });

  test("one turn: what is said in it goes together, in order", async () => {
    const { bundler, bundles } = bundling();
    await Promise.all([1, 2, 3].map((n) => bundler.add(body(n))));
    await bundler.add(body(4));
    expect(bundles).toEqual([[1, 2, 3], [4]]);
  });

  test("on its way: what is said meanwhile waits for the bundle before it, and goes together", async () => {
    const sends: (() => void)[] = [];
    const bundles: number[][] = [];
    const { bundler } = bundling({
      send(bodies) {
        bundles.push(bodies.map(([n]) => n as number));
        return new Promise((resolve) => sends.push(resolve));
      },
    });
    const first = bundler.add(body(1));
    await new Promise(setImmediate);
    const later = [2, 3].map((n) => bundler.add(body(n)));
    await new Promise(setImmediate);
    later.push(bundler.add(body(4)));
    await new Promise(setImmediate);
    expect(bundles).toEqual([[1]]);
    sends.shift()?.();
    await first;
    await new Promise(setImmediate);
    expect(bundles).toEqual([[1], [2, 3, 4]]);
    sends.shift()?.();
    await Promise.all(later);
  });

  test("gap: what follows a bundle too soon goes together after it", async () => {
    const { bundler, bundles } = bundling({ gapMs: 20 });
    await bundler.add(body(1));
    const startedAt = performance.now();
    const second = bundler.add(body(2));
    await new Promise(setImmediate);
    await Promise.all([second, bundler.add(body(3))]);
    expect(bundles).toEqual([[1], [2, 3]]);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(15);
  });

  test("bounds: what does not fit goes in the next ones, without a gap", async () => {
    const { bundler, bundles } = bundling({ most: 2, gapMs: 60_000 });
    await Promise.all([1, 2, 3, 4, 5].map((n) => bundler.add(body(n))));
    expect(bundles).toEqual([[1, 2], [3, 4], [5]]);
  });

  test("flush: what waits for the gap goes now", async () => {
    const { bundler, bundles } = bundling({ gapMs: 60_000 });
    await bundler.add(body(1));
    const second = bundler.add(body(2));
    await bundler.flush();
    await second;
    await bundler.flush();
    expect(bundles).toEqual([[1], [2]]);
  });
});
