//! `GET …/cards/{card_id}`: one card and its tokens.

use std::sync::Arc;

use axum::extract::State;
use domain::CardId;
use service::ReadCards;

use super::{DetailsOut, details_reply};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Flag, query};

pub(crate) const PATH: &str = "/v1/accounts/{aid}/wallets/cards/{card_id}";

query! {
    /// Which cards can be found.
    pub(crate) struct GetQuery {
        /// Find the card although it was deleted.
        include_deleted: Flag,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get(PATH, handle)
        .named("getCard", "cards", "Read a card", "Shows a card and its tokens, but no secret.")
        .permitted::<ReadCards>()
        .query::<GetQuery>()
        .answers::<DetailsOut>(examples::details())
        .refuses(Code::CardNotFound, "No such card")
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCards>,
    InPath(card_id): InPath<CardId>,
    Query(query): Query<GetQuery>,
) -> Result<Reply, ApiError> {
    let details = api.service.card(&permit, &card_id, query.include_deleted.unwrap_or(false)).await?;
    details_reply(&details, api.service.now_in(permit.caller().aid))
}
