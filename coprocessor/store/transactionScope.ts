import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Tells whether a call comes from inside of one of the store's transactions: there, whoever speaks to the database other than
 * through it waits for itself.
 */
export interface TransactionScope {
  run<T>(transaction: () => Promise<T>): Promise<T>;
  isInside(): boolean;
}

/**
 * Follows all that a transaction begins, so that such a mistake is an error and not a hang.
 *
 * For tests: on Node 20 following makes each promise of the process dearer, a sixth of all that a node does.
 */
export function followedTransactions(): TransactionScope {
  const scopes = new AsyncLocalStorage<{ open: boolean }>();
  return {
    run(transaction) {
      const scope = { open: true };
      return scopes.run(scope, async () => {
        try {
          return await transaction();
        } finally {
          scope.open = false;
        }
      });
    },
    isInside: () => scopes.getStore()?.open === true,
  };
}

/** Does not look. */
export const unfollowedTransactions: TransactionScope = {
  run: (transaction) => transaction(),
  isInside: () => false,
};
