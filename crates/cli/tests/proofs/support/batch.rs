//! Batches of cards under an `Idempotency-Key`, and what became of them.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::asked::Request;
use super::database::Cards;
use crate::common::{Answer, Api, Server};

/// A batch that a client asks for until it has an answer.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its `Idempotency-Key`; its cards' ids begin with it.
    pub key: String,
    /// What is asked for.
    pub body: Value,
    count: u32,
}

impl Batch {
    /// So many cards, named after the key.
    pub fn new(key: String, count: u32) -> Self {
        let cards: Vec<Value> =
            (0..count).map(|place| json!({"card_id": format!("{key}.{place}")})).collect();
        Self { body: json!({"cards": cards}), key, count }
    }

    fn len(&self) -> usize {
        usize::try_from(self.count).expect("a size")
    }

    /// Something else under the same key.
    pub fn another(&self) -> Self {
        Self { key: self.key.clone(), ..Self::new(format!("not-{}", self.key), self.count) }
    }

    /// Asks for it, or asks again; the error is that no answer came.
    pub fn send(&self, api: &Api) -> Result<Answer, reqwest::Error> {
        let headers = [("idempotency-key", self.key.as_str())];
        api.try_send(Method::POST, "wallets/cards/batch", Some(&self.body), &headers)
    }

    /// Its cards in an answer, which must be all of them in their order, with secrets that all differ.
    #[track_caller]
    pub fn secrets(&self, answer: &Value) -> Secrets {
        let cards = answer["cards"].as_array().expect("cards");
        assert_eq!(cards.len(), self.len(), "{}: cards in the answer", self.key);
        let secrets = cards.iter().enumerate().map(|(place, card)| {
            assert_eq!(card["card_id"], format!("{}.{place}", self.key));
            let text = |value: &Value| value.as_str().expect("a secret").to_owned();
            (text(&card["card_token"]["token"]["value"]), text(&card["pin"]["pin"]["value"]))
        });
        let secrets = Secrets(secrets.collect());
        let tokens: HashSet<_> = secrets.0.iter().map(|(token, _)| token).collect();
        assert_eq!(tokens.len(), self.len(), "{}: a token came twice", self.key);
        secrets
    }

    /// Whether it is in the database; fails the test where only a part of it is, or where it is there twice.
    #[track_caller]
    pub fn is_whole(&self, cards: &Cards) -> bool {
        let batches = cards.batches_of(&self.key);
        let sizes: Vec<u32> = batches.iter().map(|batch| batch.cards).collect();
        assert!(sizes.is_empty() || sizes == [self.count], "{}: batches of {sizes:?} cards", self.key);
        !sizes.is_empty()
    }
}

impl Request for Batch {
    type Seen = Cards;
    type Told = Secrets;

    fn see(server: &Server, prefix: &str) -> Cards {
        Cards::read(server.data(), prefix)
    }

    fn name(&self) -> &str {
        &self.key
    }

    fn send(&self, api: &Api) -> Result<Answer, reqwest::Error> {
        Self::send(self, api)
    }

    fn is_whole(&self, cards: &Cards) -> bool {
        Self::is_whole(self, cards)
    }

    fn told(&self, answer: Answer) -> Secrets {
        self.secrets(&answer.ok())
    }
}

/// The token and PIN of each card of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets(Vec<(String, String)>);
