//! Moves of money under a `ref_id`, and what became of them.

use std::collections::HashMap;

use cluster::sql;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::asked::Request;
use super::database;
use crate::common::{ACCOUNT, Answer, Api, Server};

/// A move that a client asks for until it has an answer.
#[derive(Clone, Debug)]
pub struct Move {
    /// Its `ref_id`, which no other move of a proof has.
    pub ref_id: String,
    path: String,
    body: Value,
    kind: Kind,
}

/// What a move writes, and so what is answered.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// One transaction.
    Single,
    /// One transaction on each of so many cards.
    Activations(u32),
    /// One on the old card and one on the new.
    Replacement,
}

impl Move {
    fn new(path: String, ref_id: &str, kind: Kind, mut body: Value) -> Self {
        body["ref_id"] = json!(ref_id);
        Self { ref_id: ref_id.to_owned(), path, body, kind }
    }

    fn transaction(card_id: &str, ref_id: &str, amount: i64, more: Value) -> Self {
        let mut body = json!({"card_id": card_id, "amount": amount, "currency": "NOK"});
        let more = more.as_object().expect("fields").clone();
        body.as_object_mut().expect("fields").extend(more);
        Self::new("wallets/transactions".to_owned(), ref_id, Kind::Single, body)
    }

    /// Takes money.
    pub fn drawdown(card_id: &str, ref_id: &str, amount: i64) -> Self {
        Self::transaction(card_id, ref_id, amount, json!({"type": "drawdown"}))
    }

    /// Adds money.
    pub fn fund(card_id: &str, ref_id: &str, amount: i64) -> Self {
        Self::transaction(card_id, ref_id, amount, json!({"type": "fund"}))
    }

    /// Locks money.
    pub fn lock(card_id: &str, ref_id: &str, amount: i64) -> Self {
        Self::transaction(card_id, ref_id, amount, json!({"pending": true}))
    }

    /// Locks money for so many seconds.
    pub fn short_lock(card_id: &str, ref_id: &str, amount: i64, expires_in: u32) -> Self {
        Self::transaction(card_id, ref_id, amount, json!({"pending": true, "expires_in": expires_in}))
    }

    /// Takes locked money: so much, or all of it.
    pub fn capture(lock: &str, ref_id: &str, amount: Option<i64>) -> Self {
        let body = amount.map_or(json!({}), |amount| json!({"amount": amount}));
        Self::new(format!("wallets/transactions/{lock}/capture"), ref_id, Kind::Single, body)
    }

    /// Frees locked money.
    pub fn void(lock: &str, ref_id: &str) -> Self {
        Self::new(format!("wallets/transactions/{lock}/void"), ref_id, Kind::Single, json!({}))
    }

    /// Activates cards together.
    pub fn activations(card_ids: &[String], ref_id: &str, amount: i64) -> Self {
        let card = |card_id| json!({"card_id": card_id, "amount": amount, "currency": "NOK"});
        let cards: Vec<Value> = card_ids.iter().map(card).collect();
        let kind = Kind::Activations(u32::try_from(cards.len()).expect("a few"));
        Self::new("wallets/activations".to_owned(), ref_id, kind, json!({"cards": cards}))
    }

    /// Puts a new card in a card's place.
    pub fn replacement(old: &str, new: &str, ref_id: &str) -> Self {
        let body = json!({"card_id": new, "reason_code": "lost"});
        Self::new(format!("wallets/cards/{old}/replace"), ref_id, Kind::Replacement, body)
    }

    /// Where it is sent, below the account, and what is sent.
    pub fn parts(&self) -> (&str, &Value) {
        (&self.path, &self.body)
    }

    fn rows(&self) -> u32 {
        match self.kind {
            Kind::Single => 1,
            Kind::Activations(cards) => cards,
            Kind::Replacement => 2,
        }
    }
}

impl Request for Move {
    type Seen = Rows;
    type Told = Value;

    fn see(server: &Server, prefix: &str) -> Rows {
        match server.database_url() {
            Some(url) => Rows::read_postgres(url, prefix),
            None => Rows::read(&database::open(server.data()), prefix).expect("a readable database"),
        }
    }

    fn name(&self) -> &str {
        &self.ref_id
    }

    fn send(&self, api: &Api) -> Result<Answer, reqwest::Error> {
        api.try_send(Method::POST, &self.path, Some(&self.body), &[])
    }

    fn is_whole(&self, rows: &Rows) -> bool {
        let count = rows.0.get(&self.ref_id).copied().unwrap_or(0);
        assert!(count == 0 || count == self.rows(), "{self:?}: {count} rows");
        count > 0
    }

    /// Cards are shown as they are now; what was done to them is shown as it was then.
    fn told(&self, answer: Answer) -> Value {
        let mut body = answer.ok();
        match self.kind {
            Kind::Single => body,
            Kind::Activations(cards) => {
                let ids = body["cards"].as_array().expect("cards").iter().map(|card| &card["card_id"]);
                let ids: Vec<&Value> = ids.collect();
                assert_eq!(u32::try_from(ids.len()), Ok(cards), "{self:?}");
                json!(ids)
            }
            Kind::Replacement => body["transaction"].take(),
        }
    }
}

/// How many transactions have which reference; those that another card got by a replacement count with it.
#[derive(Debug)]
pub struct Rows(HashMap<String, u32>);

impl Rows {
    /// Of a database, those whose references begin so.
    pub fn read(conn: &Connection, prefix: &str) -> rusqlite::Result<Self> {
        let mut statement = conn.prepare(&Self::query(prefix))?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        statement.query_map([], row)?.collect::<rusqlite::Result<_>>().map(Self)
    }

    /// Of a PostgreSQL database.
    #[track_caller]
    pub fn read_postgres(url: &str, prefix: &str) -> Self {
        let rows = sql(url, &Self::query(prefix)).expect("a readable database").into_iter().map(|row| {
            let [reference, count] = row.try_into().expect("two values");
            (reference.expect("a reference"), count.expect("a count").parse().expect("a number"))
        });
        Self(rows.collect())
    }

    /// Both databases understand it.
    fn query(prefix: &str) -> String {
        format!(
            "SELECT ref_id, count(*) + sum((SELECT count(*) FROM card_transaction f
             WHERE f.aid = t.aid AND f.parent = t.id AND f.reason = 'replace'))
             FROM card_transaction t
             WHERE aid = '{ACCOUNT}' AND ref_id >= '{prefix}' AND ref_id < '{prefix}~' GROUP BY 1"
        )
    }

    /// How many references there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether any transaction has this reference.
    pub fn has(&self, ref_id: &str) -> bool {
        self.0.contains_key(ref_id)
    }
}
