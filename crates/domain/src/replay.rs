//! What lets a client send a secret-making request again and get the same secrets.

use crate::macros::{mac, names};
use crate::{ClientUuid, Timestamp};

/// How long an answer can be had again.
pub const REPLAY_HOURS: u32 = 24;

/// The operations whose answers show secrets once, and honour an `Idempotency-Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Create a card.
    CreateCard,
    /// Create a batch.
    CreateBatch,
    /// Rotate a card's PIN.
    RotatePin,
    /// Create a token for a card.
    CreateToken,
    /// Put another card in a card's place.
    ReplaceCard,
    /// Create a client.
    CreateClient,
    /// Rotate a client's secret.
    RotateSecret,
}

names!(Operation {
    CreateCard = "create_card",
    CreateBatch = "create_batch",
    RotatePin = "rotate_pin",
    CreateToken = "create_token",
    ReplaceCard = "replace_card",
    CreateClient = "create_client",
    RotateSecret = "rotate_secret",
});

mac! {
    /// Keyed hash of the client's `Idempotency-Key`; the key itself is kept nowhere.
    IdempotencyMac,
    /// Keyed hash of what was asked (path and body as JSON), to tell a repeat from another request.
    RequestMac,
}

/// Under what an answer is found again, within its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplayKey {
    /// Whose request it was.
    pub client: ClientUuid,
    /// What was asked for.
    pub operation: Operation,
    /// The hash of the client's key.
    pub key: IdempotencyMac,
}

/// What an order with an `Idempotency-Key` brings along.
#[derive(Clone, Debug)]
pub struct IdempotencyClaim {
    /// Under what to find it.
    pub key: ReplayKey,
    /// What was asked.
    pub request: RequestMac,
    /// The secrets of the answer, sealed so that only the same key opens them.
    pub sealed: Vec<u8>,
}

/// A kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// What was asked.
    pub request: RequestMac,
    /// The secrets of the answer, sealed.
    pub sealed: Vec<u8>,
    /// When the order was carried out.
    pub created_at: Timestamp,
}

impl Replay {
    /// Whether the answer may still be given at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.created_at.plus_seconds(REPLAY_HOURS.saturating_mul(3_600))
    }
}
