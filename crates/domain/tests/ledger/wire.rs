//! What each refusal is called on the wire, as the contract has it: written here once more, so that a test says the
//! word a client sees.

use domain::Refusal;

// tidy: one match
pub fn code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::ClientGone => "UNAUTHORIZED",
        Refusal::ScopesNotHeld | Refusal::NotOwnTransaction => "FORBIDDEN",
        Refusal::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
        Refusal::TokenCollision => "INTERNAL",
        Refusal::CardNotFound => "CARD_NOT_FOUND",
        Refusal::TokenNotFound | Refusal::ClientNotFound | Refusal::GrantNotFound => "NOT_FOUND",
        Refusal::CardIdTaken { .. } => "CARD_ID_TAKEN",
        Refusal::CardNotInactive { .. } => "CARD_NOT_INACTIVE",
        Refusal::CardInactive => "CARD_INACTIVE",
        Refusal::CardNotYetActive { .. } => "CARD_NOT_YET_ACTIVE",
        Refusal::CardExpired => "CARD_EXPIRED",
        Refusal::CardBlocked | Refusal::CardReplaced => "CARD_BLOCKED",
        Refusal::CardHasLocks { .. } => "CARD_HAS_LOCKS",
        Refusal::CardHasMoney { .. } => "CARD_HAS_MONEY",
        Refusal::RefIdReused => "REF_ID_REUSED",
        Refusal::TokenUsed => "TOKEN_USED",
        Refusal::CurrencyMismatch { .. } => "CURRENCY_MISMATCH",
        Refusal::InsufficientFunds { .. } => "INSUFFICIENT_FUNDS",
        Refusal::AmountLimit | Refusal::ActivationLimit { .. } | Refusal::DayLimit => "AMOUNT_LIMIT",
        Refusal::BalanceLimit { .. } => "BALANCE_LIMIT",
        Refusal::TransactionNotFound => "TRANSACTION_NOT_FOUND",
        Refusal::NotPending => "NOT_PENDING",
        Refusal::LockClosed => "LOCK_CLOSED",
        Refusal::AmountExceedsLock { .. } => "AMOUNT_EXCEEDS_LOCK",
        Refusal::RefundExceedsDrawdown { .. } => "REFUND_EXCEEDS_DRAWDOWN",
        Refusal::PinRequired => "PIN_REQUIRED",
        Refusal::PinInvalid => "PIN_INVALID",
        Refusal::PinLocked { .. } => "PIN_LOCKED",
        Refusal::NotADrawdown
        | Refusal::ReversalTooLate { .. }
        | Refusal::ExpiryNotLater
        | Refusal::NotATestAccount
        | Refusal::ClockOnlyForward { .. }
        | Refusal::ClockTooFarAhead { .. }
        | Refusal::TooManyLocks { .. }
        | Refusal::LastAdmin
        | Refusal::Cards(_)
        | Refusal::Dates(_)
        | Refusal::TooManyGrants { .. }
        | Refusal::TooManyClients { .. } => "INVALID_REQUEST",
    }
}
