//! `GET …/cards`: the account's cards, page by page.

use std::sync::Arc;

use axum::extract::State;
use domain::{Amount, BatchId, CardType, CardUuid, Currency, CustomerId, Name, Status, Timestamp};
use service::{CardFilter, ListRequest, ReadCards};

use super::CardOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Flag, Limit, answer, query};

const LIMIT: u32 = 10;

/// Why a list may have to be asked for again.
pub(crate) const LIST_OVERLOADED: &str = "Too much is waiting, or the list took too long; nothing was done";

/// A card in a list, by experience.
const CARD_BYTES: usize = 1_024;

query! {
    /// Which cards, and from where on.
    pub(crate) struct ListQuery {
        /// The most to answer with; 10 unless told otherwise. A page may hold fewer and not be the last.
        limit: Limit,
        /// Only cards after this one: what the page before answered as `starting_after`.
        starting_after: CardUuid,
        /// Deleted cards too.
        include_deleted: Flag,
        /// Only cards that now stand so.
        status: Status,
        /// Only cards given for this.
        kind as "type": CardType,
        /// Only this customer's cards.
        customer_id: CustomerId,
        /// Only cards of this currency.
        currency: Currency,
        /// Only cards of this batch.
        batch_id: BatchId,
        /// Only cards made at this time or later.
        created_from as "created_at.gte": Timestamp,
        /// Only cards made before this time.
        created_before as "created_at.lt": Timestamp,
        /// Only cards on which at least this is available.
        available_from as "amount_available.gte": Amount,
        /// Only cards on which at most this is available.
        available_to as "amount_available.lte": Amount,
        /// Only cards whose `card_id` or name begins with this.
        prefix as "q": Name,
    }
}

answer! {
    /// A page of cards.
    pub(crate) struct PageOut<'a> as "CardPage" {
        /// The cards, newest first.
        cards: Vec<CardOut<'a>>,
        /// Where the next page begins; absent on the last one, and only there.
        starting_after: Option<CardUuid>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get(super::create::PATH, handle)
        .named(
            "listCards",
            "cards",
            "List cards",
            "Newest first. Pages stay in step while cards are added: ask for the next one with `starting_after`. \
             One call looks at a bounded number of cards. Where filters fit few of them, a page may hold fewer \
             than `limit`, even none: only an answer without `starting_after` is the last.",
        )
        .permitted::<ReadCards>()
        .query::<ListQuery>()
        .answers::<PageOut>(examples::page())
        .refuses(Code::Overloaded, LIST_OVERLOADED)
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCards>,
    Query(query): Query<ListQuery>,
) -> Result<Reply, ApiError> {
    let now = api.service.now_in(permit.caller().aid);
    let asked = ListRequest {
        limit: query.limit.map_or(LIMIT, |Limit(limit)| limit),
        starting_after: query.starting_after,
        include_deleted: query.include_deleted.unwrap_or(false),
        filter: CardFilter {
            status: query.status,
            kind: query.kind,
            customer_id: query.customer_id,
            currency: query.currency,
            batch: query.batch_id,
            created_from: query.created_from,
            created_before: query.created_before,
            available_from: query.available_from,
            available_to: query.available_to,
            prefix: query.prefix.map(|prefix| prefix.as_str().to_owned()),
        },
        now,
    };
    let page = api.service.cards(&permit, asked).await?;
    let cards = page.cards.iter().map(|card| CardOut::new(card, now)).collect();
    Reply::with_room(&PageOut { cards, starting_after: page.next }, page.cards.len() * CARD_BYTES)
}
