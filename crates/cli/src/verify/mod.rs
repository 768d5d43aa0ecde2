//! `gavekort verify`: every card held against its transactions, and all records against each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use service::SystemClock;
use store::{PostgresStore, Progress, SqliteSettings, SqliteStore, Sums, Total, Verified, Wrong};

use crate::exit::{Exit, Failure};
use crate::output;
use crate::place::Place;
use crate::serve::open::told;
use crate::settings::DataFlags;

/// How often it is told how far it has come.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Which installation.
#[derive(clap::Args, Debug)]
pub struct VerifyFlags {
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

/// The command.
pub async fn run(flags: VerifyFlags) -> Result<()> {
    let place = flags.data.place()?;
    let mut told_at = Instant::now();
    let heard = move |progress: &Progress| {
        if told_at.elapsed() >= TOLD_EVERY {
            told_at = Instant::now();
            output::note(counts(progress));
        }
    };
    let verified = match place {
        Place::Folder(folder) => {
            folder.need_database()?;
            let path = folder.path().to_owned();
            let opening =
                move || SqliteStore::open_read_only(&path, Arc::new(SystemClock), SqliteSettings::default());
            let store = tokio::task::spawn_blocking(opening).await?.map_err(told)?;
            store.verify(heard).await
        }
        Place::Database(url) => PostgresStore::verify(url.expose(), heard).await,
    };
    let verified = verified.map_err(told)?;
    if flags.json {
        output::json(&as_json(&verified))?;
    } else {
        show(&verified)?;
    }
    match &verified.first {
        None => Ok(()),
        Some(first) => {
            let message = format!("{} wrong; the first: {}", verified.checked.wrong, in_words(first));
            Err(Failure::new(Exit::Wrong, message).into())
        }
    }
}

fn counts(progress: &Progress) -> String {
    let Progress { accounts, cards, transactions, wrong } = progress;
    format!("{accounts} accounts, {cards} cards and {transactions} transactions checked, {wrong} wrong")
}

fn in_words(wrong: &Wrong) -> String {
    let Wrong { aid, card_id, what, expected, found } = wrong;
    let card = card_id.as_ref().map(|card_id| format!(", card {card_id}")).unwrap_or_default();
    // Nothing of a damaged database is to steer the terminal.
    output::printable(&format!("account {aid}{card}: {what}: expected {expected}, found {found}"))
}

fn show(verified: &Verified) -> Result<()> {
    show_totals(&verified.totals)?;
    output::note(counts(&verified.checked));
    Ok(())
}

/// The money of each account and currency, a line each.
pub fn show_totals(totals: &[Total]) -> Result<()> {
    let row = |total: &Total| {
        let Sums { funds, drawdown, reserved } = total.by_cards;
        let agrees = if total.by_cards == total.by_transactions { "yes" } else { "no" };
        [
            total.aid.to_string(),
            total.currency.to_string(),
            total.cards.to_string(),
            funds.to_string(),
            drawdown.to_string(),
            (funds - drawdown).to_string(),
            reserved.to_string(),
            agrees.to_owned(),
        ]
    };
    let rows: Vec<[String; 8]> = totals.iter().map(row).collect();
    let heading =
        ["ACCOUNT", "CURRENCY", "CARDS", "FUNDS", "DRAWDOWN", "BALANCE", "RESERVED", "AS TRANSACTIONS"];
    output::table(heading, &rows)
}

fn as_json(verified: &Verified) -> Value {
    let Progress { accounts, cards, transactions, wrong } = verified.checked;
    let first = verified.first.as_ref().map(|first| {
        let Wrong { aid, card_id, what, expected, found } = first;
        json!({
            "account": aid.as_str(), "card_id": card_id, "what": what, "expected": expected, "found": found,
        })
    });
    json!({
        "accounts": accounts,
        "cards": cards,
        "transactions": transactions,
        "wrong": wrong,
        "first": first,
        "totals": verified.totals.iter().map(total).collect::<Vec<_>>(),
    })
}

/// The money of an account in a currency.
pub fn total(total: &Total) -> Value {
    json!({
        "account": total.aid.as_str(),
        "currency": total.currency.code(),
        "cards": total.cards,
        "by_cards": sums(total.by_cards),
        "by_transactions": sums(total.by_transactions),
    })
}

/// As text: sums over many cards may pass what every reader of JSON takes for a whole number.
fn sums(sums: Sums) -> Value {
    let Sums { funds, drawdown, reserved } = sums;
    json!({
        "funds": funds.to_string(),
        "drawdown": drawdown.to_string(),
        "balance": (funds - drawdown).to_string(),
        "reserved": reserved.to_string(),
    })
}
