// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";

/// @notice Reads the cases of one file in test/vectors.
abstract contract VectorReader is Test {
    string internal json;
    string private prefix;

    function load(string memory file, string memory array) internal returns (uint256 count) {
        json = vm.readFile(string.concat("test/vectors/", file, ".json"));
        prefix = string.concat(".", array);
        while (vm.keyExistsJson(json, string.concat(prefix, "[", vm.toString(count), "]"))) {
            ++count;
        }
        assertGt(count, 0, file);
    }

    function path(uint256 i, string memory key) internal view returns (string memory) {
        return string.concat(prefix, "[", vm.toString(i), "].", key);
    }

    function number(uint256 i, string memory key) internal view returns (uint256) {
        return vm.parseJsonUint(json, path(i, key));
    }

    function word(uint256 i, string memory key) internal view returns (bytes32) {
        return vm.parseJsonBytes32(json, path(i, key));
    }

    function encoded(uint256 i) internal view returns (bytes memory) {
        return vm.parseJsonBytes(json, path(i, "encoded"));
    }
}
