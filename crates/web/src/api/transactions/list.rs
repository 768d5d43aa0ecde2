//! `GET …/transactions`: the account's transactions, page by page.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardId, RefId, Timestamp, TransactionId, TransactionType};
use service::{ReadCards, TransactionFilter, TransactionQuery};

use super::{TRANSACTION_BYTES, TransactionOut};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Limit, answer, query};

const LIMIT: u32 = 10;

/// Rows that are looked at for one page, so that a rare filter does not hold a reader for long.
const LOOKS_MAX: u32 = 20_000;

query! {
    /// Which transactions, and from where on.
    pub(crate) struct ListQuery {
        /// The most to answer with; 10 unless told otherwise.
        limit: Limit,
        /// Only transactions after this one: what the page before answered as `starting_after`.
        starting_after: TransactionId,
        /// Only transactions of this card.
        card_id: CardId,
        /// Only transactions with this reference.
        ref_id: RefId,
        /// Only transactions of this type.
        kind as "type": TransactionType,
        /// Only transactions written at this time or later.
        created_from as "created_at.gte": Timestamp,
        /// Only transactions written before this time.
        created_before as "created_at.lt": Timestamp,
    }
}

answer! {
    /// A page of transactions.
    pub(crate) struct PageOut<'a> as "TransactionPage" {
        /// The transactions, newest first.
        transactions: Vec<TransactionOut<'a>>,
        /// Where the next page begins; absent on the last one.
        starting_after: Option<TransactionId>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/wallets/transactions", handle)
        .named(
            "listTransactions",
            "transactions",
            "List transactions",
            "Of all cards, newest first, for reconciliation. A page may hold fewer than `limit` and still not be the \
             last: ask for the next one while there is a `starting_after`. Rows of the last two seconds may still \
             appear behind it; an `expired` row, dated with the end of its lock, up to a minute later, and after a \
             stop of the server as much later as that lasted. So read again with a margin.",
        )
        .permitted::<ReadCards>()
        .query::<ListQuery>()
        .answers::<PageOut>(examples::transactions())
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCards>,
    Query(query): Query<ListQuery>,
) -> Result<Reply, ApiError> {
    let query = TransactionQuery {
        limit: query.limit.map_or(LIMIT, |Limit(limit)| limit),
        looks_max: LOOKS_MAX,
        starting_after: query.starting_after,
        filter: TransactionFilter {
            card_id: query.card_id,
            ref_id: query.ref_id,
            kind: query.kind,
            created_from: query.created_from,
            created_before: query.created_before,
        },
    };
    let page = api.service.transactions(&permit, &query).await?;
    let transactions: Vec<_> = page.transactions.iter().map(TransactionOut::from).collect();
    let room = transactions.len() * TRANSACTION_BYTES;
    Reply::with_room(&PageOut { transactions, starting_after: page.next }, room)
}
