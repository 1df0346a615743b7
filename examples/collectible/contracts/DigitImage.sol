// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Base64} from "solady/utils/Base64.sol";
import {LibString} from "solady/utils/LibString.sol";

// JSON and SVG are full of double quotes.
// solhint-disable quotes

/// @notice Draws an image of 28 by 28 grey values as SVG, and a token's metadata around it
library DigitImage {
    uint32 internal constant SIDE = 28;
    uint256 internal constant SIZE = 784;

    /// @dev Greys below count as paper: a drawing's soft edges would double its size.
    uint8 private constant INK = 96;

    /// @notice A `data:` URI of ERC-721 metadata, with image and traits in it.
    function tokenURI(uint256 tokenId, uint8 digit, uint256 confidenceWad, bytes memory pixels)
        internal
        pure
        returns (string memory)
    {
        bytes memory json = abi.encodePacked(
            '{"name":"Drawn digit ',
            LibString.toString(tokenId),
            '","image":"data:image/svg+xml;base64,',
            Base64.encode(svg(pixels)),
            '","attributes":[{"trait_type":"digit","value":"',
            LibString.toString(digit),
            '"},{"trait_type":"confidence","value":"0.',
            _thousandths(confidenceWad),
            '"}]}'
        );
        return string.concat("data:application/json;base64,", Base64.encode(json));
    }

    /// @notice The image as SVG: each stretch of ink in a row is one line.
    function svg(bytes memory pixels) internal pure returns (bytes memory) {
        bytes memory path;
        for (uint256 row = 0; row < SIDE; ++row) {
            uint256 column = 0;
            while (column < SIDE) {
                uint256 start = column;
                while (column < SIDE && uint8(pixels[row * SIDE + column]) >= INK) ++column;
                if (column > start) path = abi.encodePacked(path, _line(row, start, column - start));
                else ++column;
            }
        }
        return abi.encodePacked(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28" shape-rendering="crispEdges">',
            '<rect width="28" height="28" fill="#faf7f0"/><path stroke="#1d2433" d="',
            path,
            '"/></svg>'
        );
    }

    function _line(uint256 row, uint256 column, uint256 length) private pure returns (bytes memory) {
        return abi.encodePacked(
            "M", LibString.toString(column), " ", LibString.toString(row), ".5h", LibString.toString(length)
        );
    }

    /// @dev Three digits, rounded down; 1e18 gives 999.
    function _thousandths(uint256 wad) private pure returns (string memory) {
        uint256 thousandths = wad / 1e15;
        if (thousandths > 999) thousandths = 999;
        return LibString.slice(LibString.toString(1000 + thousandths), 1);
    }
}
