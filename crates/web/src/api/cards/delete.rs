//! `DELETE …/cards/{card_id}`: a card is taken out of use for ever.

use std::sync::Arc;

use axum::extract::State;
use domain::CardId;
use service::{ForfeitCards, WriteCards};

use super::CardOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Flag, query};

query! {
    /// What may be lost.
    pub(crate) struct DeleteQuery {
        /// Delete the card although there is money on it, and give the money up. Needs `admin:wallets`.
        forfeit: Flag,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::delete(super::get::PATH, handle)
        .named(
            "deleteCard",
            "cards",
            "Delete a card",
            "The card is gone from reads, unless they ask for deleted ones; its id stays taken and its history stays.",
        )
        .permitted::<WriteCards>()
        .query::<DeleteQuery>()
        .answers::<CardOut>(examples::deleted())
        .refuses(Code::CardHasMoney, "There is money on the card, and it was not given up")
        .refuses(Code::CardHasLocks, "Pending transactions hold money of the card")
        .refuses(Code::CardNotFound, "No such card")
        .changing()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    Query(query): Query<DeleteQuery>,
) -> Result<Reply, ApiError> {
    let forfeit = match query.forfeit {
        Some(true) => Some(permit.caller().clone().permit::<ForfeitCards>()?),
        _ => None,
    };
    let card = api.service.delete_card(&permit, &card_id, forfeit.as_ref()).await?;
    Reply::of(&CardOut::new(&card, api.service.now_in(permit.caller().aid)))
}
