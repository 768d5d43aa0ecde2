//! Identifiers the server makes. Each kind has a type of its own, so that a card is never taken for a batch.

use std::fmt;

use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

uuid_id! {
    /// A card's `id`. The id a client chose for the card is [`CardId`](crate::CardId).
    CardUuid,
    /// A card token's `id`; harmless, unlike the token's value.
    TokenUuid,
    /// A transaction's `id`.
    TransactionId,
    /// The cards of one batch call share a `batch_id`.
    BatchId,
    /// An API client's `id`. The name it authenticates with is [`ClientId`](crate::ClientId).
    ClientUuid,
    /// A client grant's `id`.
    GrantId,
    /// One HTTP request, as shown in `X-Request-Id`, the logs and the audit.
    RequestId,
}
