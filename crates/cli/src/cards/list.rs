//! `gavekort cards list`.

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Card;
use crate::http::{Api, Call};
use crate::output;
use crate::settings::ApiFlags;

/// The most cards the API gives at once.
const PAGE_MAX: usize = 100;

/// Which cards.
#[derive(clap::Args, Debug)]
pub struct ListFlags {
    /// How many cards at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Every card, however many
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Print what the server says, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    api: ApiFlags,
}

/// What the listed cards have in common.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Filters")]
struct Filters {
    /// inactive, unused, partially_used, used, expired, blocked or deleted
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// gift_card or credit_note
    #[arg(long = "type", value_name = "TYPE")]
    card_type: Option<String>,
    /// A customer's cards
    #[arg(long, value_name = "ID")]
    customer_id: Option<String>,
    /// Cards in one currency
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// The cards of one batch call
    #[arg(long, value_name = "ID")]
    batch_id: Option<String>,
    /// Made at this time or later
    #[arg(long, value_name = "TIME")]
    created_from: Option<String>,
    /// Made before this time
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    /// With this much available or more, in minor units
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    available_min: Option<i64>,
    /// With this much available or less, in minor units
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    available_max: Option<i64>,
    /// Cards whose id or name begins with this
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Deleted cards too
    #[arg(long)]
    include_deleted: bool,
}

#[derive(Deserialize)]
struct Page {
    cards: Vec<Value>,
    starting_after: Option<String>,
}

/// The command.
pub async fn run(flags: ListFlags) -> Result<()> {
    let api = flags.api.api()?;
    let limit = if flags.all { usize::MAX } else { flags.limit };
    let (cards, has_more) = collect(&api, &flags.filters, limit).await?;
    if has_more {
        output::note(format!("the first {} cards; there are more: see --limit and --all", cards.len()));
    }
    if flags.json {
        return output::json(&json!({"cards": cards}));
    }
    let cards: Vec<Card> = serde_json::from_value(Value::Array(cards))?;
    output::table(Card::HEADING, &cards.into_iter().map(Card::row).collect::<Vec<_>>())
}

async fn collect(api: &Api, filters: &Filters, limit: usize) -> Result<(Vec<Value>, bool)> {
    let mut cards = Vec::new();
    let mut cursor = None;
    while cards.len() < limit {
        let call = filters.call(api, PAGE_MAX.min(limit - cards.len()), cursor.take());
        let page: Page = api.send(&call).await?.read()?;
        cards.extend(page.cards);
        cursor = page.starting_after;
        if cursor.is_none() {
            break;
        }
    }
    Ok((cards, cursor.is_some()))
}

impl Filters {
    fn call(&self, api: &Api, limit: usize, cursor: Option<String>) -> Call {
        Call::get(["v1", "accounts", api.account(), "wallets", "cards"])
            .query("limit", Some(limit))
            .query("starting_after", cursor)
            .query("status", self.status.as_ref())
            .query("type", self.card_type.as_ref())
            .query("customer_id", self.customer_id.as_ref())
            .query("currency", self.currency.as_ref())
            .query("batch_id", self.batch_id.as_ref())
            .query("created_at.gte", self.created_from.as_ref())
            .query("created_at.lt", self.created_before.as_ref())
            .query("amount_available.gte", self.available_min)
            .query("amount_available.lte", self.available_max)
            .query("q", self.search.as_ref())
            .query("include_deleted", self.include_deleted.then_some(true))
    }
}
