import { parseAbi } from "viem";

/** The part of `contracts/Lending.sol` that the page uses; a test compares the two. */
export const lendingAbi = parseAbi([
  "function assess() payable returns (bytes32 requestId)",
  "function assessmentCost() view returns (uint256)",
  "function borrow(uint256 dollarsWad) payable",
  "function claimRefund()",
  "function loanToValueWad() view returns (uint256)",
  "function loans(address borrower) view returns (uint128 collateralWei, uint128 debtWad)",
  "function refundWei(address payer) view returns (uint256)",
  "function riskWad() view returns (uint256)",
  "function scoredAt() view returns (uint256)",
  "error LimitExceeded(uint256 debtWad, uint256 limitWad)",
]);

/** The part of `contracts/PriceHistory.sol` that the page uses; a test compares the two. */
export const priceHistoryAbi = parseAbi([
  "function closesWad(uint256 day) view returns (uint256)",
  "function recordedDays() view returns (uint256)",
]);
