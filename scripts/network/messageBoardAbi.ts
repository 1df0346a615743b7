import { parseAbi } from "viem";

/** The part of `examples/message-board/contracts/MessageBoard.sol` that is used here; a test compares the two. */
export const messageBoardAbi = parseAbi([
  "function postFee(string text) view returns (uint256)",
  "function post(string text) payable returns (bytes32 requestId)",
  "function posts(bytes32 requestId) view returns (address author, uint8 status, uint64 confidenceWad, string text)",
  "function refundWei(address author) view returns (uint256)",
  "function claimRefund()",
  "event Posted(bytes32 indexed requestId, address indexed author, string text)",
  "event Judged(bytes32 indexed requestId, uint8 status, uint256 confidenceWad)",
  "error PostTooLong(uint256 length, uint256 maximum)",
]);

/** In the order of `MessageBoard.PostStatus`. */
export const POST_STATUSES = ["none", "pending", "published", "held", "expired"] as const;
