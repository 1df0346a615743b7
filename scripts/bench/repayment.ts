/** What a settlement cost its submitter, and what it was repaid for. */
export interface Repayment {
  usedGas: number;
  repaidGas: number;
}
