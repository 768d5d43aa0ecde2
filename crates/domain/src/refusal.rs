//! Why a command was not carried out. A refused command changes nothing.

use crate::{Amount, ClientUuid, Currency, DateFault, Timestamp};

/// The rule that stood against a command, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The client was deleted, or its secret or grants changed since its token was made.
    #[error("the client's access has ended")]
    ClientGone,
    /// The client would hand out, or act on, scopes that it does not hold itself.
    #[error("a client may only manage clients whose every scope it holds itself")]
    ScopesNotHeld,
    /// The same `Idempotency-Key` came with another request.
    #[error("this Idempotency-Key was used for another request")]
    IdempotencyKeyReused,
    /// A freshly made token exists already; to be made anew.
    #[error("a generated token is taken")]
    TokenCollision,
    /// No such card, or none that this token opens.
    #[error("there is no such card")]
    CardNotFound,
    /// No such token on this card.
    #[error("there is no such token")]
    TokenNotFound,
    /// No such client in this account.
    #[error("there is no such client")]
    ClientNotFound,
    /// No such grant in this account.
    #[error("there is no such client grant")]
    GrantNotFound,
    /// Cards with these ids exist, or existed; `places` count from 0 in the order of the request.
    #[error("the card_id is taken")]
    CardIdTaken {
        /// Which cards of the request.
        places: Vec<usize>,
    },
    /// The card was activated before.
    #[error("the card was activated before")]
    CardNotInactive {
        /// When.
        at: Timestamp,
        /// By which client; none where an operator did.
        by: Option<ClientUuid>,
        /// With how much.
        amount: Amount,
        /// In which currency.
        currency: Currency,
    },
    /// The card has not been activated.
    #[error("the card is inactive")]
    CardInactive,
    /// The card's first day has not come.
    #[error("the card is not yet active")]
    CardNotYetActive {
        /// Its first instant.
        active_from: Timestamp,
    },
    /// The card's last day has passed.
    #[error("the card has expired")]
    CardExpired,
    /// The merchant stopped the card.
    #[error("the card is blocked")]
    CardBlocked,
    /// Pending transactions hold money of the card.
    #[error("pending transactions hold {reserved} of the card")]
    CardHasLocks {
        /// How much is held.
        reserved: Amount,
    },
    /// There is money on the card.
    #[error("{available} is available on the card")]
    CardHasMoney {
        /// How much.
        available: Amount,
    },
    /// The `ref_id` stands for another request, or its answer shows a value only once.
    #[error("this ref_id was used before")]
    RefIdReused,
    /// The token was used up.
    #[error("the token was used up")]
    TokenUsed,
    /// The card holds another currency.
    #[error("the card's currency is {currency}")]
    CurrencyMismatch {
        /// The card's.
        currency: Currency,
    },
    /// The card holds less than was asked for.
    #[error("{available} is available on the card")]
    InsufficientFunds {
        /// How much can be drawn.
        available: Amount,
    },
    /// A sum of the card would pass the largest amount.
    #[error("the card's total would pass the largest amount")]
    AmountLimit,
    /// The card's dates would be out of order.
    #[error("expires_at {0}")]
    Dates(DateFault),
    /// Nobody would be left to manage the account's clients.
    #[error("the last client with admin:accounts cannot lose it")]
    LastAdmin,
    /// The client has as many grants as it may.
    #[error("a client has at most {max} grants")]
    TooManyGrants {
        /// How many.
        max: usize,
    },
    /// The account has as many clients as it may.
    #[error("an account has at most {max} clients")]
    TooManyClients {
        /// How many.
        max: usize,
    },
}
