import { attestationTypedData } from "@sibyl/sdk";
import { keccak256 } from "viem";
import { describe, expect, it } from "vitest";
import { createPrivateKeySigner } from "../../../coprocessor/keys/privateKey.ts";

/** anvil's first two public development keys. */
const FIRST = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const SECOND = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

describe("createPrivateKeySigner", () => {
  it("the address of the key, with or without 0x and white space around it", () => {
    const address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    for (const hex of [FIRST, FIRST.slice(2), ` ${FIRST}\n`])
      expect(createPrivateKeySigner(hex).address).toBe(address);
  });

  it.each([
    ["empty", ""],
    ["too short", FIRST.slice(0, -2)],
    ["too long", `${FIRST}00`],
    ["not hex", FIRST.replace("ac", "xy")],
    ["zero", `0x${"00".repeat(32)}`],
    ["above the group order", `0x${"ff".repeat(32)}`],
  ])("keys/invalid, none of the input in it: %s", (_, hex) => {
    let thrown: unknown;
    try {
      createPrivateKeySigner(hex);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "keys/invalid", retry: "never" });
    const told = `${(thrown as Error).message} ${JSON.stringify(thrown)} ${String((thrown as Error).cause)}`;
    if (hex.length > 8) expect(told.toLowerCase()).not.toContain(hex.slice(2, 10).toLowerCase());
  });

  it("derived: equal each time, another for each label and each key", async () => {
    const derived = await Promise.all(
      [FIRST, FIRST].map((key) => createPrivateKeySigner(key).derive("salt/1")),
    );
    expect(derived[0]).toMatch(/^0x[0-9a-f]{64}$/);
    expect(derived[1]).toBe(derived[0]);
    expect(await createPrivateKeySigner(FIRST).derive("salt/2")).not.toBe(derived[0]);
    expect(await createPrivateKeySigner(SECOND).derive("salt/1")).not.toBe(derived[0]);
  });

  it("derived: a fixed value, since a changed derivation would lose every commitment's salt", async () => {
    expect(await createPrivateKeySigner(FIRST).derive("salt/1")).toBe(
      "0x1477ca010f1cebef1055dc2276462e759bf9388ed37bc5cb4fb98ca1f91ac089",
    );
  });

  it("signatures are deterministic, and none that the protocol makes gives a derived secret away", async () => {
    const key = createPrivateKeySigner(FIRST);
    const hash = keccak256("0x01");
    const data = attestationTypedData(
      { chainId: 1, oracle: key.address },
      { requestHash: hash, outputHash: hash, view: 0 },
    );
    const signature = await key.account.signTypedData(data);
    expect(await key.account.signTypedData(data)).toBe(signature);
    expect(keccak256(signature)).not.toBe(await key.derive("salt/1"));
  });
});
