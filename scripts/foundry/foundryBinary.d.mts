/**
 * The absolute path of a Foundry tool's native binary.
 *
 * @throws Error when npm installed no binary for this platform.
 */
export function foundryBinary(name: "forge" | "anvil"): string;
