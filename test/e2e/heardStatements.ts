import { listenToGossip, type PeerMessage } from "../../coprocessor/index.ts";
import { StatementBook } from "../../scripts/chaos/statementBook.ts";
import { operatorAttester, privateKeyOf } from "../../scripts/network/devAccounts.ts";
import { registerOperator } from "../../scripts/network/registerOperator.ts";
import { reservePort } from "../../scripts/network/reservePort.ts";
import type { Network } from "../../scripts/network/startNetwork.ts";
import type { Teardown } from "../../scripts/network/teardown.ts";
import { until } from "../../scripts/network/until.ts";

/** What operators were heard to sign, by a peer that is registered as an operator of its own and has no seat. */
export interface HeardStatements {
  book: StatementBook;
  messages: readonly PeerMessage[];
}

/** @param isExact Whether a request is for a model whose outputs must be the same bytes. */
export async function hearStatements(
  { client, protocol, operators }: Network,
  teardown: Teardown,
  isExact: (requestId: string) => boolean = () => false,
): Promise<HeardStatements> {
  const place = operators.length;
  const port = await reservePort();
  const endpoint = `/ip4/127.0.0.1/tcp/${port.port}`;
  await registerOperator(client, protocol.operatorRegistry, place, endpoint);
  await port.release();
  const attesters = new Map(operators.map(({ operatorId, attester }) => [operatorId, attester]));
  const book = new StatementBook(
    { chainId: client.chain.id, oracle: protocol.oracle },
    (operatorId) => attesters.get(operatorId),
    isExact,
  );
  const messages: PeerMessage[] = [];
  const listener = await listenToGossip({
    scope: { chainId: client.chain.id, oracle: protocol.oracle },
    attesterKey: privateKeyOf(operatorAttester(place)),
    listen: { host: "127.0.0.1", port: port.port },
    connect: [],
    onMessage(message) {
      messages.push(message);
      book.hear(message);
    },
  });
  teardown.add("gossip listener", () => listener.close());
  await until(
    "the listener to hear all operators",
    () => (listener.connected() >= operators.length ? true : null),
    { timeoutMs: 60_000 },
  );
  return { book, messages };
}
