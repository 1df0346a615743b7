// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DigitImage} from "./DigitImage.sol";
import {RefundingConsumer} from "@sibyl/contracts/consumer/RefundingConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {ClassificationCodec} from "@sibyl/contracts/libraries/codecs/ClassificationCodec.sol";
import {TensorCodec} from "@sibyl/contracts/libraries/codecs/TensorCodec.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";
import {ERC721} from "solady/tokens/ERC721.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";

/// @notice A collectible drawn by hand: a model reads the digit, and who owns all ten has a full set
/// @dev The model decides whether a drawing becomes a token, and which digit the token carries for ever.
contract Collectible is RefundingConsumer, ERC721 {
    enum DrawingStatus {
        None,
        Pending,
        Minted,
        Unreadable,
        Expired
    }

    /// @dev `pixels` is the contract that holds the image's bytes as its code.
    struct Drawing {
        address artist;
        DrawingStatus status;
        uint8 digit;
        uint64 confidenceWad;
        address pixels;
    }

    /// @notice A drawing waits for the model.
    event Drawn(bytes32 indexed requestId, address indexed artist);
    /// @notice The model read a drawing; `tokenId` is 0 if it could not.
    event Read(bytes32 indexed requestId, uint256 indexed tokenId, uint8 digit, uint256 confidenceWad);

    error WrongImageSize(uint256 length, uint256 expected);
    error AlreadyDrawn(bytes32 imageHash);

    /// @notice Below this confidence a drawing is unreadable and becomes no token.
    uint256 public constant MIN_CONFIDENCE_WAD = 0.9e18;
    /// @dev ONNX's number for unsigned bytes.
    uint8 private constant UINT8 = 2;

    /// @notice How many tokens there are; their ids are 1 to this.
    uint256 public totalSupply;
    /// @notice Every drawing, by the request about it.
    mapping(bytes32 requestId => Drawing) public drawings;
    /// @notice The drawing of a token.
    mapping(uint256 tokenId => bytes32 requestId) public drawingOf;
    /// @notice How many tokens of a digit somebody owns.
    mapping(address owner => mapping(uint8 digit => uint256)) public digitBalanceOf;

    mapping(bytes32 imageHash => bool) private _drawn;

    constructor(IInferenceOracle oracle_, bytes32 digitModel, InferenceSettings memory settings)
        RefundingConsumer(oracle_, digitModel, settings)
    {}

    /// @notice Wei to attach to a drawing.
    function mintFee() external view returns (uint256) {
        return inferenceCost(_encode(new bytes(DigitImage.SIZE)).length);
    }

    /// @notice Asks the model to read a drawing, which becomes the caller's token if it can; attach `mintFee()`.
    /// @param pixels 28 rows of 28 grey values, 0 for paper, 255 for ink. The same image counts once.
    function mint(bytes calldata pixels) external payable returns (bytes32 requestId) {
        if (pixels.length != DigitImage.SIZE) revert WrongImageSize(pixels.length, DigitImage.SIZE);
        bytes32 imageHash = keccak256(pixels);
        if (_drawn[imageHash]) revert AlreadyDrawn(imageHash);
        _drawn[imageHash] = true;
        requestId = _inferForSender(_encode(pixels));
        drawings[requestId] = Drawing(msg.sender, DrawingStatus.Pending, 0, 0, SSTORE2.write(pixels));
        emit Drawn(requestId, msg.sender);
    }

    /// @notice Whether `owner` has all ten digits.
    function hasFullSet(address owner) external view returns (bool) {
        for (uint8 digit = 0; digit < 10; ++digit) {
            if (digitBalanceOf[owner][digit] == 0) return false;
        }
        return true;
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        if (!_exists(tokenId)) revert TokenDoesNotExist();
        Drawing memory drawing = drawings[drawingOf[tokenId]];
        return DigitImage.tokenURI(tokenId, drawing.digit, drawing.confidenceWad, SSTORE2.read(drawing.pixels));
    }

    /// @inheritdoc ERC721
    function name() public pure override returns (string memory) {
        return "Drawn Digits";
    }

    /// @inheritdoc ERC721
    function symbol() public pure override returns (string memory) {
        return "DIGIT";
    }

    function _onResult(bytes32 requestId, bytes calldata output) internal override {
        (uint32 label, uint256 confidenceWad) = ClassificationCodec.decode(output);
        Drawing storage drawing = drawings[requestId];
        (drawing.digit, drawing.confidenceWad) = (uint8(label), uint64(confidenceWad));
        if (confidenceWad < MIN_CONFIDENCE_WAD) {
            drawing.status = DrawingStatus.Unreadable;
            emit Read(requestId, 0, uint8(label), confidenceWad);
            return;
        }
        drawing.status = DrawingStatus.Minted;
        uint256 tokenId = ++totalSupply;
        drawingOf[tokenId] = requestId;
        emit Read(requestId, tokenId, uint8(label), confidenceWad);
        // Not `_safeMint`: an artist's contract cannot make the callback fail.
        _mint(drawing.artist, tokenId);
    }

    function _onExpired(bytes32 requestId, uint256 feeRefunded, uint256 gasReserveRefunded) internal override {
        drawings[requestId].status = DrawingStatus.Expired;
        delete _drawn[keccak256(SSTORE2.read(drawings[requestId].pixels))];
        super._onExpired(requestId, feeRefunded, gasReserveRefunded);
    }

    function _afterTokenTransfer(address from, address to, uint256 tokenId) internal override {
        uint8 digit = drawings[drawingOf[tokenId]].digit;
        if (from != address(0)) --digitBalanceOf[from][digit];
        if (to != address(0)) ++digitBalanceOf[to][digit];
    }

    function _encode(bytes memory pixels) private pure returns (bytes memory) {
        uint32[] memory shape = new uint32[](3);
        (shape[0], shape[1], shape[2]) = (1, DigitImage.SIDE, DigitImage.SIDE);
        return TensorCodec.encode(UINT8, shape, pixels);
    }
}
