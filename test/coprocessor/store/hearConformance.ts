import { expect } from "vitest";
import type { PeerMessage, RevealMessage } from "../../../coprocessor/core/messages.ts";
import type { Fresh, StoreUnderTest } from "./conformance.ts";
import { attestation, commit, hash, requestRecord } from "./fixtures.ts";

/** What every store must do with what peers say, when nobody waits until it is stored. */
export function hearConformance(subject: () => StoreUnderTest, fresh: Fresh): void {
  const { key, requestId } = requestRecord("a");
  const at = (receivedAt: number, ...messages: PeerMessage[]) =>
    messages.map((message) => ({ message, receivedAt }));
  const known = async () => (await subject().store.peerMessages(key)).map(({ message }) => message);
  /** Transactions begin once everything that was heard is stored. */
  const settle = () => subject().store.transaction(async () => {});
  const reveal = (commits: number[]): RevealMessage => ({
    kind: "reveal",
    requestId,
    operatorId: 2,
    output: "0x0a",
    salt: hash("salt"),
    commits: commits.map((operatorId) => commit(requestId, operatorId)),
  });

  fresh(
    "heard: each message once, with a contradicting second one and no third, now and once stored",
    async () => {
      const { store } = subject();
      const [first, second, third] = ["first", "second", "third"].map((label) => commit(requestId, 2, label));
      if (first === undefined || second === undefined || third === undefined) throw new Error("three");
      const resigned = { ...first, signature: hash("another signature") };
      const answers = await store.hear(key, at(100, first, first, resigned, second, third));
      expect(answers.map((answer) => answer?.message ?? null)).toEqual([first, null, null, second, null]);
      expect(await store.hear(key, at(101, first, third))).toEqual([null, null]);
      for (const look of [async () => {}, settle]) {
        await look();
        expect(await known()).toEqual([first, second]);
        expect(await store.hear(key, at(102, second))).toEqual([null]);
      }
      expect((await store.peerMessages(key)).map(({ receivedAt }) => receivedAt)).toEqual([100, 100]);
    },
  );

  fresh(
    "heard: messages are told apart by kind, operator and view, and kept in order of arrival",
    async () => {
      const { store } = subject();
      const messages = [
        attestation(requestId, 3, 0),
        commit(requestId, 2),
        attestation(requestId, 2, 1),
        attestation(requestId, 2, 0),
      ];
      for (const [place, message] of messages.entries())
        expect(await store.hear(key, at(place, message))).not.toContain(null);
      expect(await known()).toEqual(messages);
      await settle();
      const stored = await store.peerMessages(key);
      expect(stored.map(({ message }) => message)).toEqual(messages);
      expect(stored.map(({ seq }) => seq)).toEqual(stored.map(({ seq }) => seq).toSorted((a, b) => a - b));
      expect(await store.peerMessages(requestRecord("b").key)).toEqual([]);
    },
  );

  fresh(
    "heard: our own word stands where it was said, behind what was heard before and before what came after",
    async () => {
      const { store } = subject();
      await store.hear(key, at(1, commit(requestId, 2)));
      const said = { key, slot: "commit", message: commit(requestId, 7), createdAt: 2 };
      const saying = store.write({ key, statement: said });
      const later = store.hear(key, at(3, commit(requestId, 3)));
      await Promise.all([saying, later]);
      const expected = [2, 7, 3].map((operatorId) => commit(requestId, operatorId));
      expect(await known()).toEqual(expected);
      await settle();
      expect(await known()).toEqual(expected);
    },
  );

  fresh(
    "heard: a reveal without the commitments that it carries, so that it says the same with any",
    async () => {
      const { store } = subject();
      expect(await store.hear(key, at(1, reveal([2, 3])))).toMatchObject([{ message: reveal([]) }]);
      expect(await store.hear(key, at(2, reveal([2, 4])))).toEqual([null]);
      await settle();
      expect(await known()).toEqual([reveal([])]);
      const said = { ...reveal([7, 2]), operatorId: 7 };
      const { statement } = await store.write({
        key,
        statement: { key, slot: "reveal", message: said, createdAt: 3 },
      });
      expect(statement?.message).toEqual(said);
      expect((await store.statements(key)).map(({ message }) => message)).toEqual([said]);
      expect(await known()).toEqual([reveal([]), { ...said, commits: [] }]);
    },
  );

  fresh("heard: a flood of different versions at the same time leaves two", async () => {
    const { store } = subject();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => store.hear(key, at(index, commit(requestId, 2, `${index}`)))),
    );
    expect(answers.flat().filter(Boolean)).toHaveLength(2);
    expect(await known()).toHaveLength(2);
    await settle();
    expect(await known()).toHaveLength(2);
  });

  fresh("heard: a reorg takes back what was said about a request that it removes", async () => {
    const { store } = subject();
    await store.insertRequest(requestRecord("a", 10n));
    await store.hear(key, at(1, commit(requestId, 2)));
    await store.rewind(9n);
    expect(await known()).toEqual([]);
    await settle();
    expect(await known()).toEqual([]);
  });
}
