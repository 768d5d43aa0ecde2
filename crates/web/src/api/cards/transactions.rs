//! `GET …/cards/{card_id}/transactions`: a card's history.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::{CardId, TransactionId};
use service::{CardTransaction, HistoryQuery, Permit, ReadCards};

use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::pieces::{Cut, Pieces, PiecesSender};
use crate::api::transactions::{TRANSACTION_BYTES, TransactionOut};
use crate::api::wire::{Limit, Out, query};

/// Transactions that are read, and sent, at once.
const PAGE: u32 = 500;

query! {
    /// How many, and from where on.
    pub(crate) struct HistoryParameters {
        /// The most to answer with; all unless told otherwise.
        limit: Limit,
        /// Only transactions after the one of this `id`.
        starting_after: TransactionId,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/wallets/cards/{card_id}/transactions", handle)
        .named(
            "listCardTransactions",
            "cards",
            "List a card's transactions",
            "Oldest first, by `seq`, and all of them unless a `limit` is given. A deleted card has its history.",
        )
        .permitted::<ReadCards>()
        .query::<HistoryParameters>()
        .answers::<[TransactionOut]>(examples::history())
        .refuses(Code::CardNotFound, "No such card")
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCards>,
    InPath(card_id): InPath<CardId>,
    Query(query): Query<HistoryParameters>,
) -> Result<Response, ApiError> {
    let limit = query.limit.map_or(PAGE, |Limit(limit)| limit);
    let page = HistoryQuery { limit, starting_after: query.starting_after };
    let rows = api.service.history(&permit, &card_id, &page).await?;
    if query.limit.is_some() || is_last(&rows) {
        let out: Vec<_> = rows.iter().map(TransactionOut::from).collect();
        return Ok(Reply::with_room(&out, rows.len() * TRANSACTION_BYTES)?.into_response());
    }
    let history = History { api, permit, card_id };
    Ok(Pieces::of(|to| history.send(rows, to)).into_response())
}

/// A history that is too long to be held at once.
struct History {
    api: Arc<Api>,
    permit: Permit<ReadCards>,
    card_id: CardId,
}

impl History {
    /// Sends page after page, and reads the next one only when the one before is on its way.
    async fn send(self, first: Vec<CardTransaction>, to: PiecesSender) {
        let mut rows = first;
        let mut before: &[u8] = b"[";
        loop {
            let is_last = is_last(&rows);
            let piece = written(&rows, before, if is_last { b"]" } else { b"" });
            if to.send(piece).await.is_err() || is_last {
                return;
            }
            before = b",";
            rows = match self.after(&rows).await {
                // The last page was full: what stands before a next row is one too many.
                Ok(next) if next.is_empty() => {
                    _ = to.send(Ok(b"]".to_vec())).await;
                    return;
                }
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "a history broke off");
                    _ = to.send(Err(Cut)).await;
                    return;
                }
            };
        }
    }

    async fn after(&self, rows: &[CardTransaction]) -> Result<Vec<CardTransaction>, service::Error> {
        let starting_after = rows.last().map(|row| row.transaction.id);
        let page = HistoryQuery { limit: PAGE, starting_after };
        self.api.service.history(&self.permit, &self.card_id, &page).await
    }
}

fn is_last(rows: &[CardTransaction]) -> bool {
    u32::try_from(rows.len()).is_ok_and(|rows| rows < PAGE)
}

/// The rows as a part of a JSON array.
fn written(rows: &[CardTransaction], before: &[u8], after: &[u8]) -> Result<Vec<u8>, Cut> {
    let mut piece = Vec::with_capacity((rows.len() + 1) * TRANSACTION_BYTES);
    piece.extend_from_slice(before);
    for (place, row) in rows.iter().enumerate() {
        if place > 0 {
            piece.push(b',');
        }
        serde_json::to_writer(&mut piece, &Out(&TransactionOut::from(row))).map_err(|error| {
            tracing::error!(%error, "a transaction could not be written");
            Cut
        })?;
    }
    piece.extend_from_slice(after);
    Ok(piece)
}
