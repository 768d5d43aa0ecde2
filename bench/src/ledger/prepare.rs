//! Cards with money on them, made by the server itself.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::server::{Server, path};
use crate::turns::{self, BATCH};

/// Enough for any run: each drawdown takes 1.
const AMOUNT: i64 = 1_000_000_000;

/// Makes and activates so many cards in a data directory; answers with their tokens.
pub fn cards(program: &Path, data: &Path, cards: usize) -> Result<Vec<String>> {
    let server = Server::start(program, data)?;
    let tokens = on(&server, cards)?;
    server.stop()?;
    Ok(tokens)
}

/// Makes and activates so many cards on a server; answers with their tokens.
pub fn on(server: &Server, cards: usize) -> Result<Vec<String>> {
    let (mut connection, bearer) = (server.connect()?, server.bearer()?);
    let headers = [("Authorization", bearer.as_str())];
    let mut tokens = Vec::with_capacity(cards);
    for batch in 0..cards.div_ceil(BATCH) {
        let ids = turns::card_ids(batch);
        let body = json!({"cards": ids.iter().map(|id| json!({"card_id": id})).collect::<Vec<_>>()});
        let answer =
            connection.post(&path("wallets/cards/batch"), &headers, body.to_string().as_bytes())?.ok()?;
        tokens.extend(tokens_of(answer.body)?);
        let sold = |id: &String| json!({"card_id": id, "amount": AMOUNT, "currency": "NOK"});
        let body = json!({
            "ref_id": format!("sale-{batch}"),
            "cards": ids.iter().map(sold).collect::<Vec<_>>(),
        });
        connection.post(&path("wallets/activations"), &headers, body.to_string().as_bytes())?.ok()?;
    }
    Ok(tokens)
}

fn tokens_of(answer: &[u8]) -> Result<Vec<String>> {
    let answer: Value = serde_json::from_slice(answer)?;
    let cards = answer["cards"].as_array().context("no cards")?;
    let token = |card: &Value| card["card_token"]["token"]["value"].as_str().map(str::to_owned);
    cards.iter().map(|card| token(card).context("a card without a token")).collect()
}
