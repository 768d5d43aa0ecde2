//! What can be asked of the ledger, as plain data.

mod money;

pub use money::{
    ActivateCards, Adjust, Adjustment, AdjustmentFault, BlockCard, Capture, ChangeCard, Drawdown,
    ExpiryChange, Fund, Info, MoveTestClock, Pending, Reach, Replace, Reverse, Sweep, Void,
};

use crate::{
    Action, Amount, Audience, BatchId, CardId, CardType, CardUuid, Client, ClientUuid, Currency, CustomerId,
    Dates, Description, Format, GrantId, IdempotencyClaim, Metadata, Name, OriginatedBy, PinMac, RefId,
    RequestId, ScopeSet, SecretMac, SettingsChange, Timestamp, TokenMac, TokenUuid, TransactionId,
};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// An API client, and the generation its token was made at.
    Client {
        /// The client's id.
        uuid: ClientUuid,
        /// What its token says.
        generation: u32,
    },
    /// Whoever has the server's own shell; holds every scope.
    Operator,
}

impl Actor {
    /// The client, where one asks.
    pub fn client(self) -> Option<ClientUuid> {
        match self {
            Self::Client { uuid, .. } => Some(uuid),
            Self::Operator => None,
        }
    }
}

/// A command, who gives it, and in which request.
#[derive(Clone)]
pub struct Order {
    /// Who asks.
    pub actor: Actor,
    /// The request it came in.
    pub request: RequestId,
    /// What makes a repeat answer the same.
    pub idempotency: Option<IdempotencyClaim>,
    /// What is asked.
    pub command: Command,
}

/// One change, asked for; whole or not at all.
#[derive(Clone)]
pub enum Command {
    /// Make a card with money on it.
    CreateCard(Box<CreateCard>),
    /// Make inactive cards.
    CreateBatch(CreateBatch),
    /// Turn an inactive card into one with money on it.
    Activate(Box<Activate>),
    /// Take a card out of use for ever.
    DeleteCard(DeleteCard),
    /// Give a card another PIN.
    RotatePin(RotatePin),
    /// Give a card another token.
    CreateToken(Box<CreateToken>),
    /// Take a token from a card.
    DeleteToken {
        /// The card.
        card_id: CardId,
        /// The token.
        token: TokenUuid,
    },
    /// Activate cards together.
    ActivateCards(ActivateCards),
    /// Stop a card.
    BlockCard(BlockCard),
    /// Let a blocked card go again.
    UnblockCard(BlockCard),
    /// Change what is not money.
    ChangeCard(Box<ChangeCard>),
    /// Look a card up with its PIN.
    Info(Box<Info>),
    /// Pay with a card, or lock money of it.
    Drawdown(Box<Drawdown>),
    /// Add money, or give it back.
    Fund(Box<Fund>),
    /// Take locked money.
    Capture(Box<Capture>),
    /// End a lock.
    Void(Box<Void>),
    /// Give a whole drawdown back.
    Reverse(Box<Reverse>),
    /// Correct a card's money.
    Adjust(Box<Adjust>),
    /// Put another card in a card's place.
    Replace(Box<Replace>),
    /// Enter the ends of locks that have run out.
    Sweep(Sweep),
    /// Change the account's settings.
    ChangeSettings(Box<SettingsChange>),
    /// Move a test account's clock.
    MoveTestClock(MoveTestClock),
    /// Make, change or delete clients and their grants.
    Client(Box<ChangeClient>),
}

impl Command {
    /// What it does, in one word.
    // tidy: one match
    pub fn action(&self) -> Action {
        match self {
            Self::CreateCard(_) => Action::CreateCard,
            Self::CreateBatch(_) => Action::CreateBatch,
            Self::Activate(_) => Action::ActivateCard,
            Self::ActivateCards(_) => Action::ActivateCards,
            Self::DeleteCard(_) => Action::DeleteCard,
            Self::RotatePin(_) => Action::RotatePin,
            Self::CreateToken(_) => Action::CreateToken,
            Self::DeleteToken { .. } => Action::DeleteToken,
            Self::BlockCard(_) => Action::BlockCard,
            Self::UnblockCard(_) => Action::UnblockCard,
            Self::ChangeCard(_) => Action::ChangeCard,
            Self::Info(_) => Action::Info,
            Self::Drawdown(drawdown) => drawdown.action(),
            Self::Fund(fund) => fund.action(),
            Self::Capture(_) => Action::Capture,
            Self::Void(_) => Action::Void,
            Self::Reverse(_) => Action::Reverse,
            Self::Adjust(_) => Action::Adjust,
            Self::Replace(_) => Action::ReplaceCard,
            Self::Sweep(_) => Action::Expire,
            Self::ChangeSettings(_) => Action::ChangeSettings,
            Self::MoveTestClock(_) => Action::MoveTestClock,
            Self::Client(change) => change.action(),
        }
    }
}

impl Drawdown {
    /// A lock is another operation than a drawdown.
    pub fn action(&self) -> Action {
        if self.pending.is_some() { Action::Lock } else { Action::Drawdown }
    }
}

impl Fund {
    /// A refund is another operation than a plain fund.
    pub fn action(&self) -> Action {
        if self.parent.is_some() { Action::Refund } else { Action::Fund }
    }
}

impl ChangeClient {
    /// What it does, in one word.
    pub fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::CreateClient,
            Self::Rename { .. } => Action::ChangeClient,
            Self::Delete(_) => Action::DeleteClient,
            Self::RotateSecret(_) => Action::RotateSecret,
            Self::CreateGrant(_) => Action::CreateGrant,
            Self::ChangeGrant { .. } => Action::ChangeGrant,
            Self::DeleteGrant(_) => Action::DeleteGrant,
        }
    }
}

/// A card that is to be made, with all its ids and hashes.
#[derive(Clone, Debug)]
pub struct NewCard {
    /// Its `id`.
    pub uuid: CardUuid,
    /// The client's id for it.
    pub card_id: CardId,
    /// What it is given for.
    pub kind: CardType,
    /// What people call it.
    pub name: Option<Name>,
    /// Whose it is.
    pub customer_id: Option<CustomerId>,
    /// Where it comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
    /// From when and until when it can be used.
    pub dates: Dates,
    /// Its PIN, if it is to have one.
    pub pin: Option<NewPin>,
    /// Its token, if it is to have one.
    pub token: Option<NewToken>,
}

/// A PIN that was made for a card.
#[derive(Clone, Debug)]
pub struct NewPin {
    /// How to check it.
    pub mac: PinMac,
    /// How it was made.
    pub format: Format,
}

/// A token that was made for a card.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its id.
    pub uuid: TokenUuid,
    /// How to look it up.
    pub mac: TokenMac,
    /// How it was made.
    pub format: Format,
    /// What may be shown of it later.
    pub masked_code: String,
    /// Whether one accepted drawdown uses it up.
    pub expires_after_transaction: bool,
    /// Seconds it lives; as long as the card when absent.
    pub expires_in: Option<u32>,
    /// The client's own data.
    pub metadata: Metadata,
}

/// Make a card with money on it.
#[derive(Clone, Debug)]
pub struct CreateCard {
    /// The card.
    pub card: NewCard,
    /// How much it starts with.
    pub amount: Amount,
    /// In which currency, for ever.
    pub currency: Currency,
    /// Months after which it expires where its dates do not say, as the account's settings are; kept with what
    /// makes a repeat answer the same.
    pub expiry_months: Option<u16>,
    /// The id of the `fund` row to write.
    pub fund: TransactionId,
}

/// Make inactive cards, worth nothing until each is activated.
#[derive(Clone, Debug)]
pub struct CreateBatch {
    /// What the cards will share.
    pub batch: BatchId,
    /// What they show as their currency until activation.
    pub currency: Currency,
    /// The cards, in the order of the request.
    pub cards: Vec<NewCard>,
}

/// Turn an inactive card into one with money on it.
#[derive(Clone, Debug)]
pub struct Activate {
    /// The card.
    pub card_id: CardId,
    /// The client's reference, where it gave one.
    pub ref_id: Option<RefId>,
    /// How much it starts with.
    pub amount: Amount,
    /// In which currency, for ever.
    pub currency: Currency,
    /// A new name, where given.
    pub name: Option<Name>,
    /// A new owner, where given.
    pub customer_id: Option<CustomerId>,
    /// A new origin, where given.
    pub originated_by: Option<OriginatedBy>,
    /// New data, where given.
    pub metadata: Option<Metadata>,
    /// A new first day, where given.
    pub active_from: Option<Timestamp>,
    /// A new last day, where given.
    pub expires_at: Option<Timestamp>,
    /// Seconds the card's own token lives from now, where given.
    pub token_expires_in: Option<u32>,
    /// Whether one drawdown uses the card's own token up, where given.
    pub token_expires_after_transaction: Option<bool>,
    /// The id of the `fund` row to write.
    pub fund: TransactionId,
}

/// Take a card out of use for ever.
#[derive(Clone, Debug)]
pub struct DeleteCard {
    /// The card.
    pub card_id: CardId,
    /// The id of the row that gives up the card's money, where that is allowed.
    pub forfeit: Option<TransactionId>,
}

/// Give a card another PIN.
#[derive(Clone, Debug)]
pub struct RotatePin {
    /// The card.
    pub card_id: CardId,
    /// The PIN.
    pub pin: NewPin,
}

/// Give a card another token.
#[derive(Clone, Debug)]
pub struct CreateToken {
    /// The card.
    pub card_id: CardId,
    /// The client's reference.
    pub ref_id: RefId,
    /// The token.
    pub token: NewToken,
}

/// Which card is meant: by token, by `card_id`, or by both where they agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardSelector {
    /// The bearer of this token.
    Token(TokenMac),
    /// The card of this id.
    CardId(CardId),
    /// The bearer of this token, who also named the card.
    Both(TokenMac, CardId),
}

/// Make, change or delete clients and their grants.
#[derive(Clone, Debug)]
pub enum ChangeClient {
    /// Make a client. Its dates, creator and generation are set when it is made.
    Create(Client),
    /// Give a client another name or description; what is absent stays.
    Rename {
        /// The client.
        client: ClientUuid,
        /// Its new name.
        name: Option<Name>,
        /// Its new description.
        description: Option<Description>,
    },
    /// Delete a client and end its tokens.
    Delete(ClientUuid),
    /// Give a client another secret.
    RotateSecret(RotateSecret),
    /// Grant scopes to a client.
    CreateGrant(NewGrant),
    /// Give a grant other scopes.
    ChangeGrant {
        /// The grant.
        grant: GrantId,
        /// Its new scopes.
        scopes: ScopeSet,
    },
    /// Take a grant away.
    DeleteGrant(GrantId),
}

/// Give a client another secret.
#[derive(Clone, Debug)]
pub struct RotateSecret {
    /// The client.
    pub client: ClientUuid,
    /// How the new secret is checked.
    pub secret: SecretMac,
    /// Seconds for which the old secret, and tokens made with it, still count.
    pub grace_seconds: u32,
}

/// Grant scopes to a client.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The grant's id.
    pub id: GrantId,
    /// The client.
    pub client: ClientUuid,
    /// Whom the tokens will be for.
    pub audience: Audience,
    /// What is granted.
    pub scopes: ScopeSet,
}
