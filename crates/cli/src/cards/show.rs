//! `gavekort cards show`.

use anyhow::Result;
use serde_json::Value;

use super::Card;
use crate::http::Call;
use crate::output;
use crate::settings::ApiFlags;

/// Which card.
#[derive(clap::Args, Debug)]
pub struct ShowFlags {
    /// The card's id
    card_id: String,
    /// Print what the server says, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiFlags,
}

/// The command.
pub async fn run(flags: ShowFlags) -> Result<()> {
    let api = flags.api.api()?;
    let call = Call::get(["v1", "accounts", api.account(), "wallets", "cards", &flags.card_id]);
    let card: Value = api.send(&call).await?.read()?;
    if flags.json {
        return output::json(&card);
    }
    output::table(Card::HEADING, &[serde_json::from_value::<Card>(card)?.row()])
}
