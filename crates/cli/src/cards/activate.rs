//! `gavekort cards activate`.

use anyhow::Result;
use serde_json::{Value, json};

use super::Card;
use crate::http::Call;
use crate::output;
use crate::settings::ApiFlags;

/// Which card, and with how much.
#[derive(clap::Args, Debug)]
pub struct ActivateFlags {
    /// The card's id
    card_id: String,
    /// The amount in minor units: 50000 for 500.00
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    amount: i64,
    /// The currency, such as NOK
    #[arg(long, value_name = "CODE")]
    currency: String,
    /// A name for this activation: repeated under the same name, it is done once
    #[arg(long, value_name = "ID")]
    ref_id: Option<String>,
    /// Print what the server says, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiFlags,
}

/// The command.
pub async fn run(flags: ActivateFlags) -> Result<()> {
    let api = flags.api.api()?;
    let mut body = json!({"amount": flags.amount, "currency": flags.currency});
    if let Some(ref_id) = flags.ref_id {
        body["ref_id"] = ref_id.into();
    }
    let path = ["v1", "accounts", api.account(), "wallets", "cards", &flags.card_id, "activate"];
    let card: Value = api.send(&Call::post(path, body)).await?.read()?;
    if flags.json {
        return output::json(&card);
    }
    output::table(Card::HEADING, &[serde_json::from_value::<Card>(card)?.row()])
}
