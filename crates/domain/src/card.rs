//! Cards.

use crate::macros::names;
use crate::{
    Amount, BatchId, CardId, CardUuid, ClientUuid, Currency, CustomerId, Dates, Format, Metadata, Name,
    OriginatedBy, PinMac, Timestamp, Token,
};

/// What a card was given for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CardType {
    /// Bought.
    #[default]
    GiftCard,
    /// Given for goods brought back.
    CreditNote,
}

/// Where a card stands; derived from the row and the time, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Made in a batch and not yet sold.
    Inactive,
    /// Nothing has been drawn.
    Unused,
    /// Something has been drawn, something is left.
    PartiallyUsed,
    /// Drawn empty.
    Used,
    /// Past its `expires_at`.
    Expired,
    /// Stopped by the merchant.
    Blocked,
    /// Gone.
    Deleted,
}

names!(CardType { GiftCard = "gift_card", CreditNote = "credit_note" });
names!(Status {
    Inactive = "inactive",
    Unused = "unused",
    PartiallyUsed = "partially_used",
    Used = "used",
    Expired = "expired",
    Blocked = "blocked",
    Deleted = "deleted",
});

/// A card's PIN: how to check it, and how it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// How it is checked.
    pub mac: PinMac,
    /// How the value was made.
    pub format: Format,
}

/// When a card was first worth something, and through whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// When.
    pub at: Timestamp,
    /// By which client; none where an operator did.
    pub by: Option<ClientUuid>,
}

/// A card as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The card's `id`.
    pub uuid: CardUuid,
    /// The id its client chose.
    pub card_id: CardId,
    /// The batch it was made in.
    pub batch: Option<BatchId>,
    /// What it was given for.
    pub kind: CardType,
    /// What people call it.
    pub name: Option<Name>,
    /// Whose it is.
    pub customer_id: Option<CustomerId>,
    /// Where it comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
    /// What it was created or activated with.
    pub amount: Amount,
    /// Fixed by creation or activation; until then the account's default when the batch was made.
    pub currency: Currency,
    /// All money ever added.
    pub funds: Amount,
    /// All money ever taken.
    pub drawdown: Amount,
    /// What pending transactions hold locked.
    pub reserved: Amount,
    /// From when and until when it can be used.
    pub dates: Dates,
    /// Its PIN, if it has one.
    pub pin: Option<Pin>,
    /// When it stopped being inactive.
    pub activation: Option<Activation>,
    /// When it was blocked.
    pub blocked_at: Option<Timestamp>,
    /// The card that took its place.
    pub replaced_by: Option<CardUuid>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// How many transactions it has.
    pub seq: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which client made it; none where an operator did.
    pub created_by: Option<ClientUuid>,
    /// When it last changed; no later change is dated before it.
    pub changed_at: Timestamp,
}

/// A card with its tokens that have not been deleted, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardDetails {
    /// The card.
    pub card: Card,
    /// Its tokens.
    pub tokens: Vec<Token>,
}

impl Card {
    /// Funds less drawdown.
    pub fn balance(&self) -> Amount {
        // A store refuses to hold a card that was drawn beyond its funds.
        self.funds.minus(self.drawdown).unwrap_or_default()
    }

    /// Balance less what is reserved.
    pub fn available(&self) -> Amount {
        self.balance().minus(self.reserved).unwrap_or_default()
    }

    /// What can be drawn when locks of `lapsed` in all have run out, but their `expired` rows are yet to be
    /// written: the same as when they stand.
    pub fn available_at(&self, lapsed: Amount) -> Amount {
        self.available().plus(lapsed).map_or(self.balance(), |sum| sum.min(self.balance()))
    }

    /// The card with locks of `lapsed` in all freed, as every answer shows it.
    #[must_use]
    pub fn without_lapsed(self, lapsed: Amount) -> Self {
        Self { reserved: self.reserved.minus(lapsed).unwrap_or_default(), ..self }
    }

    /// Whether its last day has passed at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.dates.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether its first day has not come at `now`.
    pub fn is_not_yet_active(&self, now: Timestamp) -> bool {
        self.dates.active_from.is_some_and(|start| now < start)
    }

    /// Where the card stands at `now`: the first that fits.
    pub fn status(&self, now: Timestamp) -> Status {
        if self.deleted_at.is_some() {
            Status::Deleted
        } else if self.blocked_at.is_some() {
            Status::Blocked
        } else if self.is_expired(now) {
            Status::Expired
        } else if self.activation.is_none() {
            Status::Inactive
        } else if self.drawdown.is_zero() {
            Status::Unused
        } else if self.balance().is_zero() {
            Status::Used
        } else {
            Status::PartiallyUsed
        }
    }
}
