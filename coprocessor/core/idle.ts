import type { AgreementDecision } from "./agreement.ts";

/** Nothing to do but to wait for somebody. */
export const idle = (waitingFor: string): AgreementDecision => ({
  actions: [],
  waitingFor,
  wakeAt: null,
  disagreement: null,
});
