// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DemoDollar} from "./DemoDollar.sol";
import {PriceHistory} from "./PriceHistory.sol";
import {RefundingConsumer} from "@sibyl/contracts/consumer/RefundingConsumer.sol";
import {IInferenceOracle} from "@sibyl/contracts/interfaces/IInferenceOracle.sol";
import {ScoresCodec} from "@sibyl/contracts/libraries/codecs/ScoresCodec.sol";
import {VectorCodec} from "@sibyl/contracts/libraries/codecs/VectorCodec.sol";
import {InferenceSettings} from "@sibyl/contracts/types/InferenceSettings.sol";

/// @notice Lends dollars on ether; how much, a model of the ether's risk says, between limits that no model moves
/// @dev A score decides one thing, how far the next loan may go, and that slowly, between two constants. It cannot touch a
/// loan that exists, and without a fresh score the lowest limit holds. What is liquidated is decided by the price alone.
contract Lending is RefundingConsumer {
    struct Loan {
        uint128 collateralWei;
        uint128 debtWad;
    }

    /// @notice Somebody asked for a fresh score.
    event AssessmentRequested(bytes32 indexed requestId, address indexed payer);
    /// @notice A score came, and with it a limit for new loans; both with 18 decimals.
    event Assessed(bytes32 indexed requestId, uint256 riskWad, uint256 loanToValueWad);
    /// @notice A loan changed.
    event LoanChanged(address indexed borrower, uint256 collateralWei, uint256 debtWad);

    error LimitExceeded(uint256 debtWad, uint256 limitWad);
    error NotLiquidatable(address borrower, uint256 debtWad, uint256 limitWad);
    error TransferFailed(address to, uint256 amount);

    /// @notice The least and the most that a new loan may be, as a part of the collateral's value.
    uint256 public constant MIN_LOAN_TO_VALUE_WAD = 0.5e18;
    /// @notice See `MIN_LOAN_TO_VALUE_WAD`.
    uint256 public constant MAX_LOAN_TO_VALUE_WAD = 0.75e18;
    /// @notice What scores may raise the limit by within a day, however many there are. Down it goes at once.
    uint256 public constant MAX_RAISE_PER_DAY_WAD = 0.05e18;
    /// @notice The risk at which the limit is at its lowest.
    uint256 public constant HIGH_RISK_WAD = 0.25e18;
    /// @notice How long a score counts.
    uint256 public constant MAX_SCORE_AGE = 1 days;
    /// @notice The part of the collateral's value above which a loan may be liquidated. No score moves it.
    uint256 public constant LIQUIDATION_WAD = 0.85e18;

    /// @notice What ether cost, day by day.
    PriceHistory public immutable prices;
    /// @notice What is lent.
    DemoDollar public immutable dollar;

    /// @notice The latest score: how likely a drop of 5 percent within ten days is, with 18 decimals.
    uint256 public riskWad;
    /// @notice The limit that follows from the scores so far; see `loanToValueWad` for the one that holds.
    uint256 public scoredLoanToValueWad = MIN_LOAN_TO_VALUE_WAD;
    /// @notice When the input of the latest score was read.
    uint256 public scoredAt;
    /// @notice Every borrower's loan.
    mapping(address borrower => Loan) public loans;

    mapping(bytes32 requestId => uint256) private _askedAt;

    constructor(
        IInferenceOracle oracle_,
        bytes32 riskModel,
        PriceHistory prices_,
        DemoDollar dollar_,
        InferenceSettings memory settings
    ) RefundingConsumer(oracle_, riskModel, settings) {
        (prices, dollar) = (prices_, dollar_);
    }

    // The model's part

    /// @notice Asks for a score of the prices as they stand; attach `assessmentCost()`.
    function assess() external payable returns (bytes32 requestId) {
        requestId = _inferForSender(VectorCodec.encode(prices.features()));
        _askedAt[requestId] = block.timestamp;
        emit AssessmentRequested(requestId, msg.sender);
    }

    /// @notice Wei to attach to an assessment.
    function assessmentCost() external view returns (uint256) {
        return inferenceCost(VectorCodec.encode(new int256[](5)).length);
    }

    function _onResult(bytes32 requestId, bytes calldata output) internal override {
        (,, uint256[] memory scoresWad) = ScoresCodec.decode(output);
        // An older question's answer may come after a newer one's.
        if (_askedAt[requestId] <= scoredAt) return;
        uint256 highest = loanToValueWad() + _raiseUntil(_askedAt[requestId]);
        (scoredAt, riskWad) = (_askedAt[requestId], scoresWad[1]);
        uint256 target = _limitFor(riskWad);
        scoredLoanToValueWad = target < highest ? target : highest;
        emit Assessed(requestId, riskWad, scoredLoanToValueWad);
    }

    /// @dev In proportion to the time since the latest score, at most a day's.
    function _raiseUntil(uint256 timestamp) private view returns (uint256) {
        uint256 elapsed = timestamp - scoredAt;
        return MAX_RAISE_PER_DAY_WAD * (elapsed < 1 days ? elapsed : 1 days) / 1 days;
    }

    /// @dev From the most at no risk down to the least at `HIGH_RISK_WAD` and above.
    function _limitFor(uint256 risk) private pure returns (uint256) {
        if (risk >= HIGH_RISK_WAD) return MIN_LOAN_TO_VALUE_WAD;
        return MAX_LOAN_TO_VALUE_WAD - (MAX_LOAN_TO_VALUE_WAD - MIN_LOAN_TO_VALUE_WAD) * risk / HIGH_RISK_WAD;
    }

    // The lender's part

    /// @notice How much of its collateral's value a loan may be now, with 18 decimals.
    function loanToValueWad() public view returns (uint256) {
        return block.timestamp > scoredAt + MAX_SCORE_AGE ? MIN_LOAN_TO_VALUE_WAD : scoredLoanToValueWad;
    }

    /// @notice Adds the attached ether to the caller's collateral and lends it `dollarsWad` more.
    function borrow(uint256 dollarsWad) external payable {
        Loan storage loan = loans[msg.sender];
        loan.collateralWei += uint128(msg.value);
        loan.debtWad += uint128(dollarsWad);
        _requireWithin(loan, loanToValueWad());
        emit LoanChanged(msg.sender, loan.collateralWei, loan.debtWad);
        dollar.mint(msg.sender, dollarsWad);
    }

    /// @notice Pays `dollarsWad` of the caller's debt back and takes `collateralWei` of its ether out.
    function repay(uint256 dollarsWad, uint256 collateralWei) external {
        Loan storage loan = loans[msg.sender];
        loan.debtWad -= uint128(dollarsWad);
        loan.collateralWei -= uint128(collateralWei);
        if (collateralWei > 0) _requireWithin(loan, loanToValueWad());
        emit LoanChanged(msg.sender, loan.collateralWei, loan.debtWad);
        dollar.burn(msg.sender, dollarsWad);
        _send(msg.sender, collateralWei);
    }

    /// @notice Takes over a loan that its collateral no longer covers: the caller pays the debt and gets the collateral.
    function liquidate(address borrower) external {
        Loan memory loan = loans[borrower];
        uint256 limitWad = _valueWad(loan) * LIQUIDATION_WAD / 1e18;
        if (loan.debtWad <= limitWad) revert NotLiquidatable(borrower, loan.debtWad, limitWad);
        delete loans[borrower];
        emit LoanChanged(borrower, 0, 0);
        dollar.burn(msg.sender, loan.debtWad);
        _send(msg.sender, loan.collateralWei);
    }

    function _requireWithin(Loan memory loan, uint256 partWad) private view {
        uint256 limitWad = _valueWad(loan) * partWad / 1e18;
        if (loan.debtWad > limitWad) revert LimitExceeded(loan.debtWad, limitWad);
    }

    function _valueWad(Loan memory loan) private view returns (uint256) {
        return loan.collateralWei * prices.priceWad() / 1e18;
    }

    function _send(address to, uint256 amount) private {
        (bool sent,) = to.call{value: amount}("");
        if (!sent) revert TransferFailed(to, amount);
    }
}
