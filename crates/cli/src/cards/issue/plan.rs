//! What is to be made: which cards, in which batches, with which codes.

use std::ops::Range;

use anyhow::Result;
use domain::CardId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::exit::usage;

/// Numbers are padded to at least this many digits, so that a later order with the same prefix sorts with it.
const DIGITS_MIN: usize = 6;

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Everything that decides what the server is asked for. A run that goes on must have the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The server, the account and the client: kept answers belong to all three.
    pub url: String,
    /// The account.
    pub account: String,
    /// The client.
    pub client_id: String,
    /// What every card id begins with.
    pub prefix: String,
    /// The number of the first card.
    pub first: u64,
    /// How many cards.
    pub count: u64,
    /// How many in one call.
    pub batch_size: u64,
    /// The options of the batch call.
    pub options: Value,
    /// When the cards end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl Plan {
    /// Refuses what the server would refuse later, after some batches, and what a spreadsheet would run.
    pub fn check(&self) -> Result<()> {
        if !(1..=1_000).contains(&self.batch_size) || self.count == 0 {
            return Err(usage("--count must be positive and --batch-size between 1 and 1000"));
        }
        let last = self.first.checked_add(self.count - 1);
        let Some(last) = last.filter(|last| *last < 1_000_000_000_000) else {
            return Err(usage("--first and --count lead beyond card number 999999999999"));
        };
        CardId::try_from(self.card_id(last).as_str()).map_err(|fault| usage(format!("--prefix: {fault}")))?;
        let token_prefix = self.options["card_token"]["format"]["prefix"].as_str();
        for text in [Some(self.card_id(self.first).as_str()), token_prefix].into_iter().flatten() {
            if text.starts_with(FORMULA_STARTS) {
                return Err(usage(format!("{text:?}: a spreadsheet would take it for a formula")));
            }
        }
        Ok(())
    }

    /// How many batches there are.
    pub fn batches(&self) -> u64 {
        self.count.div_ceil(self.batch_size)
    }

    /// The card numbers of one batch, counted from 0.
    pub fn numbers(&self, batch: u64) -> Range<u64> {
        let begin = batch * self.batch_size;
        let end = (begin + self.batch_size).min(self.count);
        self.first + begin..self.first + end
    }

    /// The id of the card with this number.
    pub fn card_id(&self, number: u64) -> String {
        let last = self.first + self.count.saturating_sub(1);
        let digits = last.to_string().len().max(DIGITS_MIN);
        format!("{}{number:0digits$}", self.prefix)
    }

    /// The body of the batch call; the same for the same batch, however often it is made.
    pub fn body(&self, batch: u64) -> Value {
        let card = |number| {
            let mut card = Map::new();
            card.insert("card_id".to_owned(), self.card_id(number).into());
            if let Some(expires_at) = &self.expires_at {
                card.insert("expires_at".to_owned(), expires_at.clone().into());
            }
            Value::Object(card)
        };
        let cards: Vec<Value> = self.numbers(batch).map(card).collect();
        json!({"cards": cards, "options": self.options})
    }

    /// What differs from another plan, by name.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let same = [
            ("--url", self.url == other.url),
            ("--account", self.account == other.account),
            ("--client-id", self.client_id == other.client_id),
            ("--prefix", self.prefix == other.prefix),
            ("--first", self.first == other.first),
            ("--count", self.count == other.count),
            ("--batch-size", self.batch_size == other.batch_size),
            ("the codes' format", self.options == other.options),
            ("--expires-at", self.expires_at == other.expires_at),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub fn plan(count: u64, batch_size: u64) -> Plan {
        Plan {
            url: "http://127.0.0.1:8080".to_owned(),
            account: "T12345678".to_owned(),
            client_id: "client".to_owned(),
            prefix: "XMAS-".to_owned(),
            first: 1,
            count,
            batch_size,
            options: json!({}),
            expires_at: None,
        }
    }

    #[test]
    fn batches_cover_every_number_once() {
        for (count, batch_size) in [(1, 1), (1, 1_000), (999, 1_000), (1_000, 1_000), (1_001, 1_000), (10, 3)]
        {
            let plan = plan(count, batch_size);
            let numbers: Vec<u64> = (0..plan.batches()).flat_map(|batch| plan.numbers(batch)).collect();
            assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "{count} in {batch_size}s");
        }
    }

    #[test]
    fn card_ids_are_padded_to_sort_as_numbers() {
        assert_eq!(plan(10, 10).card_id(7), "XMAS-000007");
        assert_eq!(plan(12_345_678, 1_000).card_id(7), "XMAS-00000007");
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_refused() {
        for prefix in ["=1+", "+", "-", "@SUM", "\t", " a"] {
            let refused = Plan { prefix: prefix.to_owned(), ..plan(1, 1) };
            assert!(refused.check().is_err(), "{prefix:?}");
        }
        let options = json!({"card_token": {"format": {"prefix": "=CMD"}}});
        assert!(Plan { options, ..plan(1, 1) }.check().is_err());
        assert!(plan(1, 1).check().is_ok());
        for (count, batch_size) in [(0, 1), (1, 0), (1, 1_001), (u64::MAX, 1_000)] {
            assert!(plan(count, batch_size).check().is_err(), "{count} in {batch_size}s");
        }
    }

    #[test]
    fn differences_are_named() {
        let other = Plan { count: 2, prefix: "B".to_owned(), ..plan(1, 1) };
        assert_eq!(plan(1, 1).differences(&other), ["--prefix", "--count"]);
        assert!(plan(1, 1).differences(&plan(1, 1)).is_empty());
    }
}
