import { describe, expect, test } from "vitest";
import {
  checkRecord,
  checkStanding,
  isOffence,
  MAX_RECORD_LIFETIME_S,
  MAX_RECORD_SKEW_S,
  type PeerRecord,
  peerRecordDigest,
  type RecordFault,
} from "../../../coprocessor/core/peerRecord.ts";

const scope = { chainId: 31_337, oracle: "0x5FbDB2315678afecb367f032d93F642f64180aa3" } as const;
const other = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const NOW_S = 1_800_000_000;
const record: PeerRecord = {
  ...scope,
  peerId: "peer",
  operatorId: 3,
  addresses: ["http://127.0.0.1:4001"],
  issuedAt: NOW_S,
  expiresAt: NOW_S + 1_800,
};
const check = (more: Partial<PeerRecord>, nowS = NOW_S) =>
  checkRecord({ ...record, ...more }, { scope, peerId: "peer" }, nowS * 1_000)?.fault ?? null;

describe("peer record", () => {
  test("time: it counts from its issue, less a clock's skew, until it expires", () => {
    expect(check({})).toBe(null);
    expect(check({}, NOW_S + 1_799)).toBe(null);
    expect(check({}, NOW_S + 1_800)).toBe("expired");
    expect(check({}, NOW_S - MAX_RECORD_SKEW_S)).toBe(null);
    expect(check({}, NOW_S - MAX_RECORD_SKEW_S - 1)).toBe("not-yet-valid");
  });

  test("a clock an hour off: ahead it is not yet valid, behind it has expired", () => {
    expect(check({ issuedAt: NOW_S + 3_600, expiresAt: NOW_S + 5_400 })).toBe("not-yet-valid");
    expect(check({ issuedAt: NOW_S - 3_600, expiresAt: NOW_S - 1_800 })).toBe("expired");
  });

  test("lifetime: a record for ever is none", () => {
    expect(check({ expiresAt: NOW_S + MAX_RECORD_LIFETIME_S })).toBe(null);
    expect(check({ expiresAt: NOW_S + MAX_RECORD_LIFETIME_S + 1 })).toBe("lives-too-long");
  });

  test("scope and peer: what was signed for another chain, oracle or peer proves nothing here", () => {
    expect(check({ chainId: 1 })).toBe("wrong-scope");
    expect(check({ oracle: other })).toBe("wrong-scope");
    expect(check({ oracle: scope.oracle.toLowerCase() as typeof scope.oracle })).toBe(null);
    expect(check({ peerId: "another" })).toBe("wrong-peer");
  });

  test("refusal: tells the values that do not fit", () => {
    const refusal = checkRecord(record, { scope, peerId: "peer" }, (NOW_S + 1_900) * 1_000);
    expect(refusal).toEqual({ fault: "expired", detail: "100 s ago by our clock" });
  });

  test("signature: every field is under it", () => {
    const changes: Partial<PeerRecord>[] = [
      { chainId: 1 },
      { oracle: other },
      { peerId: "another" },
      { operatorId: 4 },
      { addresses: [] },
      { addresses: [...record.addresses, ""] },
      { issuedAt: NOW_S + 1 },
      { expiresAt: NOW_S },
    ];
    const digests = changes.map((change) => peerRecordDigest({ ...record, ...change }));
    expect(new Set([...digests, peerRecordDigest(record)]).size).toBe(changes.length + 1);
  });

  test("standing: only the attester of an operator with a seat proves one", () => {
    const standing = { attester: other, seated: true } as const;
    expect(checkStanding(record, other, standing)).toBe(null);
    expect(checkStanding(record, other, null)?.fault).toBe("unknown-operator");
    expect(checkStanding(record, scope.oracle, standing)?.fault).toBe("not-its-attester");
    expect(checkStanding(record, other, { ...standing, seated: false })?.fault).toBe("no-seat");
  });

  test("offences: clocks and an unread registry are nobody's fault", () => {
    const faults: Record<RecordFault, boolean> = {
      malformed: true,
      "wrong-scope": true,
      "wrong-peer": true,
      "bad-signature": true,
      expired: false,
      "not-yet-valid": false,
      "lives-too-long": false,
      "unknown-operator": false,
      "not-its-attester": false,
      "no-seat": false,
      superseded: false,
    };
    for (const [fault, offence] of Object.entries(faults))
      expect(isOffence(fault as RecordFault), fault).toBe(offence);
  });
});
