//! Who did what, for everything that is not itself a money row.

use uuid::Uuid;

use crate::macros::names;
use crate::{BatchId, CardUuid, ClientUuid, GrantId, Note, RequestId, Timestamp, TokenUuid};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A card was created.
    CreateCard,
    /// A batch of cards was created.
    CreateBatch,
    /// A card was activated.
    ActivateCard,
    /// A card was deleted.
    DeleteCard,
    /// A card got another PIN.
    RotatePin,
    /// A card got another token.
    CreateToken,
    /// A card lost a token.
    DeleteToken,
    /// A client was created.
    CreateClient,
    /// A client's name or description changed.
    ChangeClient,
    /// A client was deleted.
    DeleteClient,
    /// A client got another secret.
    RotateSecret,
    /// A client was granted scopes.
    CreateGrant,
    /// A grant got other scopes.
    ChangeGrant,
    /// A grant was taken away.
    DeleteGrant,
    /// Money was added to a card.
    Fund,
    /// Money of a drawdown was given back.
    Refund,
    /// Something was paid with a card.
    Drawdown,
    /// Money of a card was locked.
    Lock,
    /// Locked money was taken.
    Capture,
    /// A lock was ended.
    Void,
    /// Locks that had run out were entered.
    Expire,
    /// A drawdown was taken back by whoever made it.
    Reverse,
    /// Staff corrected a card's money.
    Adjust,
    /// A card was replaced by another.
    ReplaceCard,
    /// Cards were activated together.
    ActivateCards,
    /// A card was blocked.
    BlockCard,
    /// A card was unblocked.
    UnblockCard,
    /// A card's owner, name, data or last day changed.
    ChangeCard,
    /// A card was looked up with its PIN.
    Info,
    /// The account's settings changed.
    ChangeSettings,
    /// A test account's clock was moved.
    MoveTestClock,
}

names!(Action {
    CreateCard = "create_card",
    CreateBatch = "create_batch",
    ActivateCard = "activate_card",
    DeleteCard = "delete_card",
    RotatePin = "rotate_pin",
    CreateToken = "create_token",
    DeleteToken = "delete_token",
    CreateClient = "create_client",
    ChangeClient = "change_client",
    DeleteClient = "delete_client",
    RotateSecret = "rotate_secret",
    CreateGrant = "create_grant",
    ChangeGrant = "change_grant",
    DeleteGrant = "delete_grant",
    Fund = "fund",
    Refund = "refund",
    Drawdown = "drawdown",
    Lock = "lock",
    Capture = "capture",
    Void = "void",
    Expire = "expire",
    Reverse = "reverse",
    Adjust = "adjust",
    ReplaceCard = "replace_card",
    ActivateCards = "activate_cards",
    BlockCard = "block_card",
    UnblockCard = "unblock_card",
    ChangeCard = "change_card",
    Info = "info",
    ChangeSettings = "change_settings",
    MoveTestClock = "move_test_clock",
});

/// To what it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A card.
    Card(CardUuid),
    /// All cards of a batch.
    Batch(BatchId),
    /// A card's token.
    Token(TokenUuid),
    /// A client.
    Client(ClientUuid),
    /// A grant.
    Grant(GrantId),
    /// The account itself.
    Account,
}

impl Subject {
    /// Its kind in a word, and its id.
    pub fn kind_and_id(self) -> (&'static str, Option<Uuid>) {
        match self {
            Self::Card(id) => ("card", Some(id.0)),
            Self::Batch(id) => ("batch", Some(id.0)),
            Self::Token(id) => ("token", Some(id.0)),
            Self::Client(id) => ("client", Some(id.0)),
            Self::Grant(id) => ("grant", Some(id.0)),
            Self::Account => ("account", None),
        }
    }
}

/// One line of the audit, written in the commit of the change it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Which client; none where an operator did it on the server.
    pub client: Option<ClientUuid>,
    /// In which request.
    pub request: RequestId,
    /// What.
    pub action: Action,
    /// To what.
    pub subject: Subject,
    /// Why, where whoever did it had to say.
    pub note: Option<Note>,
}
