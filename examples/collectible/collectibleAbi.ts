import { parseAbi } from "viem";

/** The part of `contracts/Collectible.sol` that the page uses; a test compares the two. */
export const collectibleAbi = parseAbi([
  "function claimRefund()",
  "function digitBalanceOf(address owner, uint8 digit) view returns (uint256)",
  "function drawings(bytes32 requestId) view returns (address artist, uint8 status, uint8 digit, uint64 confidenceWad, address pixels)",
  "function hasFullSet(address owner) view returns (bool)",
  "function mint(bytes pixels) payable returns (bytes32 requestId)",
  "function mintFee() view returns (uint256)",
  "function refundWei(address payer) view returns (uint256)",
  "function tokenURI(uint256 tokenId) view returns (string)",
  "event Read(bytes32 indexed requestId, uint256 indexed tokenId, uint8 digit, uint256 confidenceWad)",
  "error AlreadyDrawn(bytes32 imageHash)",
  "error WrongImageSize(uint256 length, uint256 expected)",
]);
