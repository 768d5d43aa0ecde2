//! Transactions: a card's history, one by its id, and lists of an account, newest first.
//!
//! A list goes by places first and fetches only what it shows. It takes several statements; the rows never change,
//! and one that is written meanwhile may be missed as one that is written after.

use std::collections::HashMap;

use deadpool_postgres::ClientWrapper;
use domain::{Aid, CardId, CardUuid, TransactionId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::newest::{Newest, Place, TOP, Wanted};
use super::{Behind, Prepared as _, Values};
use crate::postgres::fault::Fault;
use crate::rows::{self, Columns as _, Fields, Value, select};
use crate::{CardTransaction, HistoryQuery, TransactionPage, TransactionQuery};

/// Transactions, each with the client's id of its card behind it.
macro_rules! named {
    ($rest:literal) => {
        concat!(
            "SELECT found.*, (SELECT card_id FROM card WHERE aid = $1 AND uuid = found.card) AS card_id FROM (",
            select!(card_transaction $rest),
            ") AS found"
        )
    };
}

pub const BY_ID: &str = named!("WHERE aid = $1 AND id = $2");

pub const BY_IDS: &str = named!("WHERE aid = $1 AND id = ANY($2)");

/// Those of the card after the transaction `$3`, where one is named. One row of nothing where there are none; no row
/// where there is no card.
pub const HISTORY: &str = concat!(
    "SELECT found.* FROM (SELECT uuid FROM card WHERE aid = $1 AND card_id = $2) AS owner LEFT JOIN LATERAL (",
    select!(card_transaction "WHERE aid = $1 AND card = owner.uuid AND seq > (SELECT CASE WHEN $3::UUID IS NULL THEN 0
        ELSE (SELECT after.seq FROM card_transaction AS after
        WHERE after.aid = $1 AND after.id = $3 AND after.card = owner.uuid) END) ORDER BY seq LIMIT $4"),
    ") AS found ON TRUE ORDER BY found.seq"
);

pub const WRITTEN_AT: &str = "SELECT created_at FROM card_transaction WHERE aid = $1 AND id = $2";

pub const CARD: &str = "SELECT uuid FROM card WHERE aid = $1 AND card_id = $2";

/// A part of a card's history, oldest first; none where there is no such card.
pub async fn history(
    client: &ClientWrapper,
    aid: Aid,
    card_id: &CardId,
    query: &HistoryQuery,
) -> Result<Option<Vec<CardTransaction>>, Fault> {
    let (after, limit) = (query.starting_after.map(|id| id.0), i64::from(query.limit));
    let found = client.all(HISTORY, &[&aid.as_str(), &card_id.as_str(), &after, &limit]).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let rows = found.iter().filter(|row| row.value(0) != Some(Value::Null));
    let named =
        |row: &Row| Ok(CardTransaction { transaction: rows::transaction(row)?, card_id: card_id.clone() });
    rows.map(named).collect::<Result<_, Fault>>().map(Some)
}

/// A transaction by its id.
pub async fn by_id(
    client: &ClientWrapper,
    aid: Aid,
    id: TransactionId,
) -> Result<Option<CardTransaction>, Fault> {
    let found = client.first(BY_ID, &[&aid.as_str(), &id.0]).await?;
    found.as_ref().map(named).transpose()
}

fn named(row: &Row) -> Result<CardTransaction, Fault> {
    let transaction = rows::transaction(row)?;
    let card_id = Fields::new(&Behind::column(row, "available"), "card").parsed()?;
    Ok(CardTransaction { transaction, card_id })
}

/// Transactions by their ids.
pub async fn by_ids(
    client: &ClientWrapper,
    aid: Aid,
    ids: &[Uuid],
) -> Result<HashMap<TransactionId, CardTransaction>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = client.all(BY_IDS, &[&aid.as_str(), &ids]).await?;
    let by_id = |row| {
        let row = named(row)?;
        Ok((row.transaction.id, row))
    };
    found.iter().map(by_id).collect()
}

/// A card by the client's id for it.
pub async fn card(client: &ClientWrapper, aid: Aid, card_id: &CardId) -> Result<Option<CardUuid>, Fault> {
    let found = client.first(CARD, &[&aid.as_str(), &card_id.as_str()]).await?;
    Ok(found.map(|row| Fields::new(&row, "card").id()).transpose()?)
}

/// A page of an account's transactions, newest first.
pub async fn page(
    client: &ClientWrapper,
    aid: Aid,
    query: &TransactionQuery,
) -> Result<TransactionPage, Fault> {
    let (found, next) = match newest(client, aid, query).await? {
        Some(newest) => look(newest, query).await?,
        None => (Vec::new(), None),
    };
    let mut rows = by_ids(client, aid, &found).await?;
    let row = |id| rows.remove(&TransactionId(id)).ok_or_else(gone);
    let transactions: Result<_, Fault> = found.into_iter().map(row).collect();
    Ok(TransactionPage { transactions: transactions?, next })
}

/// A row that is never deleted was there a moment ago.
pub fn gone() -> Fault {
    Fault::Damaged("card_transaction.id".to_owned())
}

/// Looks at transactions until the page is full and one more was found, or enough were looked at. Answers with those
/// that fit, and with where the next page begins.
async fn look(
    mut newest: Newest<'_>,
    query: &TransactionQuery,
) -> Result<(Vec<Uuid>, Option<TransactionId>), Fault> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let (mut found, mut last) = (Vec::new(), None);
    for _ in 0..query.looks_max.max(1) {
        let Some(row) = newest.next().await? else {
            return Ok((found, None));
        };
        if row.fits {
            // One more than asked for tells that this page is not the last.
            if found.len() == limit {
                return Ok((found, last));
            }
            found.push(row.id.0);
        }
        last = Some(row.id);
    }
    let next = newest.head().await?.and(last);
    Ok((found, next))
}

async fn newest<'q>(
    client: &'q ClientWrapper,
    aid: Aid,
    query: &'q TransactionQuery,
) -> Result<Option<Newest<'q>>, Fault> {
    let filter = &query.filter;
    let Some(below) = below(client, aid, query).await? else {
        return Ok(None);
    };
    let wanted = Wanted {
        kind: filter.kind.map(|kind| kind.as_str()),
        ref_id: filter.ref_id.as_ref().map(|ref_id| ref_id.as_str()),
        ..Wanted::default()
    };
    let from = filter.created_from.map_or(i64::MIN, |from| from.unix_ms());
    let ahead = i64::from(query.limit.min(query.looks_max)) + 1;
    let of_account = Newest::of_account((client, aid), wanted, below, from, ahead);
    let Some(card_id) = &filter.card_id else {
        return Ok(Some(of_account));
    };
    let Some(card) = card(client, aid, card_id).await? else {
        return Ok(None);
    };
    match &filter.ref_id {
        Some(ref_id) => of_account.on_card_with(card, ref_id).await.map(Some),
        None => of_account.on_card(card).await.map(Some),
    }
}

/// The place below which a page begins; none where it begins after what is no transaction.
async fn below(client: &ClientWrapper, aid: Aid, query: &TransactionQuery) -> Result<Option<Place>, Fault> {
    let before = query.filter.created_before.map_or(TOP, |before| (before.unix_ms(), Uuid::nil()));
    let Some(TransactionId(after)) = query.starting_after else {
        return Ok(Some(before));
    };
    let values: Values<'_> = &[&aid.as_str(), &after];
    let found = client.first(WRITTEN_AT, values).await?;
    let at = found.map(|row| Fields::new(&row, "card_transaction").integer()).transpose()?;
    Ok(at.map(|at| before.min((at, after))))
}
