//! The answer, as the server writes it.

use anyhow::Result;
use jiff::Timestamp;
use print::{code128, qr};
use serde::Serialize;
use uuid::Uuid;

use super::codes::{CardCodes, TOKEN_PREFIX};
use super::rows::Batch;
use super::{Pictures, Request};

/// About what one card takes, so that the text need not grow.
const CARD_BYTES: usize = 1_024;
const PICTURES_BYTES: usize = 4_096;

#[derive(Serialize)]
struct Answer<'a> {
    cards: Vec<Card<'a>>,
}

#[derive(Serialize)]
struct Card<'a> {
    id: Uuid,
    card_id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    metadata: Empty,
    batch_id: Uuid,
    created_at: &'a str,
    created_by: Uuid,
    currency: &'static str,
    amount_balance: i64,
    amount_available: i64,
    amount_funds: i64,
    amount_drawdown: i64,
    amount_pending: i64,
    amount_reserved: i64,
    amount: i64,
    pin: Pin<'a>,
    card_token: Token<'a>,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Pin<'a> {
    format: Format,
    pin: Code<'a>,
}

#[derive(Serialize)]
struct Token<'a> {
    id: Uuid,
    ref_id: &'a str,
    format: Format,
    expires_after_transaction: bool,
    created_at: &'a str,
    created_by: Uuid,
    metadata: Empty,
    token: Code<'a>,
}

#[derive(Clone, Copy, Serialize)]
struct Format {
    length: usize,
    prefix: &'static str,
    symbols: bool,
    numbers: bool,
    characters: bool,
    barcode: bool,
    qr: bool,
}

#[derive(Serialize)]
struct Code<'a> {
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    barcode_128: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<String>,
}

/// Renders the answer to a batch.
pub fn render(
    batch: &Batch<'_>,
    request: &Request<'_>,
    codes: &[CardCodes],
    now: Timestamp,
) -> Result<Vec<u8>> {
    let now = format!("{now:.3}");
    let pairs = request.card_ids.iter().zip(codes);
    let card = |(card_id, codes)| card(batch, card_id, codes, request.pictures, &now);
    let cards = pairs.map(card).collect::<Result<Vec<_>>>()?;
    let pictures_bytes = if request.pictures == Pictures::Both { PICTURES_BYTES } else { 0 };
    let mut text = Vec::with_capacity(cards.len() * (CARD_BYTES + pictures_bytes));
    serde_json::to_writer(&mut text, &Answer { cards })?;
    Ok(text)
}

fn card<'a>(
    batch: &Batch<'_>,
    card_id: &'a String,
    codes: &'a CardCodes,
    pictures: Pictures,
    now: &'a str,
) -> Result<Card<'a>> {
    let has_pictures = pictures == Pictures::Both;
    let format = |length, prefix, symbols, characters| Format {
        length,
        prefix,
        symbols,
        numbers: true,
        characters,
        barcode: has_pictures,
        qr: has_pictures,
    };
    let token = Token {
        id: codes.token_uuid,
        ref_id: card_id,
        format: format(36, TOKEN_PREFIX, true, true),
        expires_after_transaction: false,
        created_at: now,
        created_by: batch.client,
        metadata: Empty {},
        token: code(&codes.token, pictures)?,
    };
    Ok(Card {
        id: codes.uuid,
        card_id,
        kind: "gift_card",
        status: "inactive",
        metadata: Empty {},
        batch_id: batch.id,
        created_at: now,
        created_by: batch.client,
        currency: "NOK",
        amount_balance: 0,
        amount_available: 0,
        amount_funds: 0,
        amount_drawdown: 0,
        amount_pending: 0,
        amount_reserved: 0,
        amount: 0,
        pin: Pin { format: format(codes.pin.len(), "", false, false), pin: code(&codes.pin, pictures)? },
        card_token: token,
    })
}

fn code(value: &str, pictures: Pictures) -> Result<Code<'_>> {
    Ok(match pictures {
        Pictures::None => Code { value, barcode_128: None, qr: None },
        Pictures::Both => {
            let (barcode_128, qr) = (code128(value)?.data_uri(), qr(value)?.data_uri());
            Code { value, barcode_128: Some(barcode_128), qr: Some(qr) }
        }
    })
}
