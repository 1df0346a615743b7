import { parseAbi } from "viem";

/** The part of `contracts/MessageBoard.sol` that an app needs. */
export const messageBoardAbi = parseAbi([
  "function claimRefund()",
  "function postFee(string text) view returns (uint256)",
  "function post(string text) payable returns (bytes32 requestId)",
  "function refundWei(address payer) view returns (uint256)",
  "event Posted(bytes32 indexed requestId, address indexed author, string text)",
  "event Judged(bytes32 indexed requestId, bool published, uint256 confidenceWad)",
  "error PostTooLong(uint256 length, uint256 maximum)",
]);
