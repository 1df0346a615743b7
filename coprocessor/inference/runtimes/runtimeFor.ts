import type { Provider } from "../../core/runtime.ts";
import type { Runtime } from "./runtime.ts";

/** The build that has a provider, loaded when it is first wanted: most processes need one of the two. */
export async function runtimeFor(provider: Provider): Promise<Runtime> {
  return provider === "wasm"
    ? (await import("./wasmRuntime.ts")).wasmRuntime
    : (await import("./nativeRuntime.ts")).nativeRuntime;
}
