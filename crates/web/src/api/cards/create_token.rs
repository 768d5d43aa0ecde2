//! `POST …/cards/{card_id}/tokens`: another token for a card.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardId, Metadata, RefId};
use serde_json::json;
use service::{CreateTokenRequest, Present, TokenTerms, WriteCards};

use super::TokenOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Keyed};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Faults, Flag, FormatIn, Seconds, token_format, wire};

wire! {
    /// A token that is asked for.
    pub(crate) struct TokenBody as "TokenRequest" {
        /// Your reference; unique among the tokens of the card.
        ref_id: RefId [required],
        /// Seconds it lives; required unless the account's settings say how long.
        expires_in: Seconds,
        /// How it is made; as the account's settings say, or else a random UUID behind `DINCARD:`.
        format: FormatIn,
        /// Whether one drawdown uses it up; as the account's settings say, or else `true`.
        expires_after_transaction: Flag,
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/cards/{card_id}/tokens", handle)
        .named(
            "createCardToken",
            "cards",
            "Give a card another token",
            "For a customer's screen, for instance. This answer alone shows the value, so the same `ref_id` again is \
             refused; send an `Idempotency-Key` to be able to get a lost answer again.",
        )
        .permitted::<WriteCards>()
        .keyed()
        .body::<TokenBody>(json!({"ref_id": "screen-1", "expires_in": 300, "format": {"qr": true}}))
        .answers::<TokenOut>(examples::token())
        .refuses(Code::CardNotFound, "No such card")
        .refuses(Code::RefIdReused, "The card has a token of this `ref_id`")
        .changing()
}

impl Body for TokenBody {
    type Request = (RefId, TokenTerms);

    fn build(self, present: &Present, faults: &mut Faults) -> Option<(RefId, TokenTerms)> {
        let format = token_format(self.format, present, faults);
        let expires_in = self.expires_in.map(|Seconds(seconds)| seconds).or(present.token.expires_in);
        if expires_in.is_none() && faults.is_clean_at(&["expires_in"]) {
            faults.add_at("expires_in", "is required");
        }
        let single_use = self.expires_after_transaction.or(present.token.expires_after_transaction);
        let terms = TokenTerms {
            format: format?,
            expires_after_transaction: single_use.unwrap_or(true),
            expires_in: Some(expires_in?),
            metadata: self.metadata.unwrap_or_default(),
        };
        Some((self.ref_id?, terms))
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    Keyed { request: (ref_id, terms), idempotency }: Keyed<TokenBody>,
) -> Result<Reply, ApiError> {
    let request = CreateTokenRequest { card_id, ref_id, terms };
    let made = api.service.create_token(&permit, &request, idempotency.as_ref()).await?;
    Reply::of(&TokenOut::from(&made))
}
