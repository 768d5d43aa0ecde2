//! Whether money agrees with its transactions, as the API and `gavekort verify` tell it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::common::{Api, Server, run};

/// Fails the test unless every card agrees with its transactions, and the account's report with all of them.
#[track_caller]
pub fn check(server: &Server) {
    let found = run(&mut server.operator_command(["verify", "--json"])).expect_code(0).json();
    assert_eq!((&found["wrong"], &found["first"]), (&json!(0), &json!(null)));
    let report = server.api().get("wallets/reports/liability").ok();
    let (totals, owed) = (&found["totals"], &report["totals"]);
    let (totals, owed) = (totals.as_array().expect("totals"), owed.as_array().expect("totals"));
    assert!(!totals.is_empty() && totals.len() == owed.len(), "{found} and {report}");
    for (total, owed) in totals.iter().zip(owed) {
        assert_eq!(total["by_cards"], total["by_transactions"]);
        let figures = [&owed["amount_balance"], &owed["amount_reserved"]].map(Value::to_string);
        let by_cards = [&total["by_cards"]["balance"], &total["by_cards"]["reserved"]];
        assert_eq!(by_cards, figures.each_ref().map(|figure| figure.as_str()), "{found} and {report}");
    }
}

/// What a card's transactions come to.
#[derive(Default)]
struct Sums {
    funds: i64,
    drawdown: i64,
    /// What the locks still hold, by their ids.
    locked: HashMap<String, i64>,
}

impl Sums {
    fn add(&mut self, row: &Value) {
        let amount = number(row, "amount");
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        match text("type") {
            "fund" => self.funds += amount,
            "pending_capture" => {
                self.locked.insert(text("id").to_owned(), amount);
            }
            "drawdown" => {
                self.drawdown += amount;
                if text("reason") == "capture" {
                    let left = self.locked.get_mut(text("parent_id")).expect("a lock");
                    *left -= amount;
                    assert!(*left >= 0, "more was captured than locked: {row}");
                }
            }
            "voided" | "expired" => {
                let left = self.locked.remove(text("parent_id")).expect("a lock that has not ended");
                assert!(left > 0 && left == amount, "a lock that held {left} ended with {row}");
            }
            other => panic!("a transaction of type {other}"),
        }
    }

    fn balance(&self) -> i64 {
        self.funds - self.drawdown
    }

    fn reserved(&self) -> i64 {
        self.locked.values().sum()
    }
}

/// Fails the test unless a card's history is without gaps and comes to what each row and the card say. Answers the
/// history, oldest first.
#[track_caller]
pub fn check_card(api: &Api, card_id: &str) -> Vec<Value> {
    let card = api.get(&format!("wallets/cards/{card_id}")).ok();
    let rows = api.get(&format!("wallets/cards/{card_id}/transactions")).ok();
    let rows = rows.as_array().expect("transactions").clone();
    let mut sums = Sums::default();
    for (seq, row) in (1..).zip(&rows) {
        sums.add(row);
        let available = sums.balance() - sums.reserved();
        let said = ["seq", "balance", "available"].map(|name| number(row, name));
        assert_eq!(said, [seq, sums.balance(), available], "{row}");
        assert!(available >= 0, "{row}");
    }
    let names = ["amount_funds", "amount_drawdown", "amount_balance", "amount_reserved"];
    let figures = [sums.funds, sums.drawdown, sums.balance(), sums.reserved()];
    assert_eq!(names.map(|name| number(&card, name)), figures, "{card}");
    rows
}

/// A number of an answer.
#[track_caller]
pub fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_else(|| panic!("no {name} in {value}"))
}
