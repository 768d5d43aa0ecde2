//! PINs and tokens, in the one answer that shows them and in those that do not.

use domain::{Format, Metadata, RefId, Timestamp, Token, TokenUuid};
use service::{MadePin, MadeToken, Secret};

use crate::api::wire::{ByWhom, FormatOut, SecretOut, answer};

answer! {
    /// A PIN, in the one answer that shows it.
    pub(crate) struct PinOut<'a> as "Pin" {
        /// How it was made.
        format: FormatOut<'a>,
        /// The PIN.
        pin: SecretOut<'a>,
    }
}

answer! {
    /// What is known of a token beside its value.
    pub(crate) struct TokenFacts<'a> {
        /// The token's id; harmless, unlike its value.
        id: TokenUuid,
        /// The client's reference; the `card_id` for the token a card was made with.
        ref_id: &'a RefId,
        /// How it was made.
        format: FormatOut<'a>,
        /// Whether one drawdown uses it up.
        expires_after_transaction: bool,
        /// Seconds it lives; as long as the card when absent.
        expires_in: Option<u32>,
        /// From when on it opens nothing.
        expires_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// The client that made it, or `operator`.
        created_by: ByWhom,
        /// The client's own data.
        metadata: &'a Metadata,
    }
}

answer! {
    /// A token, in the one answer that shows it.
    pub(crate) struct TokenOut<'a> as "CardToken" {
        ..facts: TokenFacts<'a>,
        /// The token.
        token: SecretOut<'a>,
    }
}

answer! {
    /// A token that was deleted.
    pub(crate) struct DeletedTokenOut<'a> as "DeletedCardToken" {
        ..facts: TokenFacts<'a>,
        /// The token with all but its harmless parts hidden.
        masked_code: &'a str,
    }
}

answer! {
    /// A token as a card's details show it.
    pub(crate) struct TokenShape<'a> as "MaskedCardToken" {
        /// The token's id.
        id: TokenUuid,
        /// From when on it opens nothing.
        expires_at: Option<Timestamp>,
        /// The token with all but its harmless parts hidden.
        masked_code: &'a str,
        /// How it was made.
        format: FormatOut<'a>,
    }
}

impl<'a> PinOut<'a> {
    pub(crate) fn new(format: &'a Format, value: &'a Secret) -> Self {
        Self { format: FormatOut::from(format), pin: SecretOut::new(format, value) }
    }
}

impl<'a> From<&'a MadePin> for PinOut<'a> {
    fn from(made: &'a MadePin) -> Self {
        Self::new(&made.format, &made.value)
    }
}

impl<'a> TokenFacts<'a> {
    fn new(token: &'a Token) -> Self {
        Self {
            id: token.uuid,
            ref_id: &token.ref_id,
            format: FormatOut::from(&token.format),
            expires_after_transaction: token.expires_after_transaction,
            expires_in: token.expires_in,
            expires_at: token.expires_at,
            created_at: token.created_at,
            created_by: ByWhom(token.created_by),
            metadata: &token.metadata,
        }
    }
}

impl<'a> TokenOut<'a> {
    pub(crate) fn new(token: &'a Token, value: &'a Secret) -> Self {
        Self { facts: TokenFacts::new(token), token: SecretOut::new(&token.format, value) }
    }
}

impl<'a> From<&'a MadeToken> for TokenOut<'a> {
    fn from(made: &'a MadeToken) -> Self {
        Self::new(&made.token, &made.value)
    }
}

impl<'a> DeletedTokenOut<'a> {
    pub(crate) fn new(token: &'a Token) -> Self {
        Self { facts: TokenFacts::new(token), masked_code: &token.masked_code }
    }
}

impl<'a> TokenShape<'a> {
    pub(crate) fn new(token: &'a Token) -> Self {
        Self {
            id: token.uuid,
            expires_at: token.expires_at,
            masked_code: &token.masked_code,
            format: FormatOut::from(&token.format),
        }
    }
}
