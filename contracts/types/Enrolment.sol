// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice One operator's seat for one model; zero when there is none.
/// @dev From the most significant bit: attester (160), weight (56, units of 1e12 wei of stake),
/// activeFrom (40, unix seconds). A request counts the seat if `activeFrom <= openedAt`.
type Enrolment is uint256;

using EnrolmentLib for Enrolment global;

/// @notice Packs and reads seats.
library EnrolmentLib {
    Enrolment internal constant NONE = Enrolment.wrap(0);

    function pack(address attester_, uint56 weight_, uint40 activeFrom_) internal pure returns (Enrolment) {
        return Enrolment.wrap(uint256(uint160(attester_)) << 96 | uint256(weight_) << 40 | uint256(activeFrom_));
    }

    function exists(Enrolment enrolment) internal pure returns (bool) {
        return Enrolment.unwrap(enrolment) != 0;
    }

    function attester(Enrolment enrolment) internal pure returns (address) {
        return address(uint160(Enrolment.unwrap(enrolment) >> 96));
    }

    function weight(Enrolment enrolment) internal pure returns (uint56) {
        return uint56(Enrolment.unwrap(enrolment) >> 40);
    }

    function activeFrom(Enrolment enrolment) internal pure returns (uint40) {
        return uint40(Enrolment.unwrap(enrolment));
    }
}
