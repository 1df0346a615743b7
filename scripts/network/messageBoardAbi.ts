import { parseAbi } from "viem";

/** The part of `examples/message-board/contracts/MessageBoard.sol` that is used here; a test compares the two. */
export const messageBoardAbi = parseAbi([
  "function postFee(string text) view returns (uint256)",
  "function post(string text) payable returns (bytes32 requestId)",
  "function isPublished(bytes32 requestId) view returns (bool)",
  "function refundWei(address author) view returns (uint256)",
  "function claimRefund()",
  "event Posted(bytes32 indexed requestId, address indexed author, string text)",
  "event Judged(bytes32 indexed requestId, bool published, uint256 confidenceWad)",
  "error PostTooLong(uint256 length, uint256 maximum)",
]);
