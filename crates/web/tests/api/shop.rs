//! A shop with one card, for the tests of money.

use serde_json::{Value, json};

use crate::world::{Answer, Call, World};

pub struct Shop {
    pub world: World,
    pub admin: String,
    /// Of the card `a`.
    pub token: String,
    /// Of the card `a`.
    pub pin: String,
}

impl Shop {
    /// With a card `a` of 500.00 NOK, which has a token and a PIN of four digits.
    pub async fn new() -> Self {
        let world = World::new().await;
        let admin = world.admin().await;
        let body = json!({
            "card_id": "a", "amount": 50_000, "currency": "NOK", "card_token": {},
            "pin": {"format": {"length": 4}},
        });
        let made = world.send(Call::post("wallets/cards", &body).bearer(&admin)).await.ok();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let token = text(&made["card_token"]["token"]["value"]);
        Self { world, admin, token, pin: text(&made["pin"]["pin"]["value"]) }
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.world.send(Call::post(path, &body).bearer(&self.admin)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.world.send(Call::get(path).bearer(&self.admin)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.world.send(Call::patch(path, &body).bearer(&self.admin)).await
    }

    /// A drawdown from the card `a` by its token, with `fields` besides.
    pub fn sale(&self, ref_id: &str, amount: i64, fields: Value) -> Value {
        let body = json!({"ref_id": ref_id, "amount": amount, "currency": "NOK", "token": self.token});
        with(body, fields)
    }

    pub async fn pay(&self, body: Value) -> Answer {
        self.post("wallets/transactions", body).await
    }

    /// What was said of a transaction of the card `a`, followed by its id.
    pub async fn paid(&self, ref_id: &str, amount: i64, fields: Value) -> String {
        let written = self.pay(self.sale(ref_id, amount, fields)).await.ok();
        written["id"].as_str().expect("an id").to_owned()
    }

    pub async fn follow(&self, id: &str, what: &str, body: Value) -> Answer {
        self.post(&format!("wallets/transactions/{id}/{what}"), body).await
    }

    pub async fn card(&self, card_id: &str) -> Value {
        self.get(&format!("wallets/cards/{card_id}")).await.ok()
    }

    /// Another card with money on it.
    pub async fn create(&self, card_id: &str, amount: i64, fields: Value) -> Value {
        let body = with(json!({"card_id": card_id, "amount": amount, "currency": "NOK"}), fields);
        self.post("wallets/cards", body).await.ok()
    }

    /// Inactive cards.
    pub async fn batch(&self, card_ids: &[&str]) -> Value {
        let cards: Vec<Value> = card_ids.iter().map(|card_id| json!({"card_id": card_id})).collect();
        self.post("wallets/cards/batch", json!({"cards": cards})).await.ok()
    }

    pub async fn history(&self, card_id: &str) -> Vec<Value> {
        let rows = self.get(&format!("wallets/cards/{card_id}/transactions")).await.ok();
        rows.as_array().expect("a bare list").clone()
    }
}

/// A body with more fields.
pub fn with(mut body: Value, fields: Value) -> Value {
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    body
}
