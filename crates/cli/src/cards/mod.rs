//! `gavekort cards …`: what an API client does, from the command line.

mod activate;
pub mod issue;
mod list;
mod show;

use anyhow::Result;
use serde::Deserialize;

/// Cards, through the API.
#[derive(clap::Subcommand, Debug)]
pub enum CardsCommand {
    /// Make many cards and write them, with their tokens and PINs, to a CSV file
    ///
    /// The cards are inactive until each is activated. Interrupted or killed, the same command goes on where it
    /// stopped: FILE.progress beside the output remembers what was done. Give it the same flags; within a day the
    /// server answers the same cards for what was asked but not yet written. Exits with 75 when it was
    /// interrupted, when the disk is full, or when the server stayed away or overloaded for longer than --patience.
    Issue(issue::IssueFlags),
    /// List cards, newest first
    List(list::ListFlags),
    /// Show a card
    Show(show::ShowFlags),
    /// Activate a card with an amount
    Activate(activate::ActivateFlags),
}

/// Runs one of these commands.
pub async fn run(command: CardsCommand) -> Result<()> {
    match command {
        CardsCommand::Issue(flags) => issue::run(flags).await,
        CardsCommand::List(flags) => list::run(flags).await,
        CardsCommand::Show(flags) => show::run(flags).await,
        CardsCommand::Activate(flags) => activate::run(flags).await,
    }
}

/// A card as far as people are shown it; `--json` shows what the server said.
#[derive(Deserialize)]
struct Card {
    card_id: String,
    status: String,
    currency: String,
    amount_balance: i64,
    amount_available: i64,
    expires_at: Option<String>,
    created_at: String,
}

impl Card {
    const HEADING: [&'static str; 6] = ["CARD", "STATUS", "BALANCE", "AVAILABLE", "EXPIRES", "CREATED"];

    fn row(self) -> [String; 6] {
        let money = |amount| shown(amount, &self.currency);
        let (balance, available) = (money(self.amount_balance), money(self.amount_available));
        let expires = self.expires_at.unwrap_or_else(|| "-".to_owned());
        [self.card_id, self.status, balance, available, expires, self.created_at]
    }
}

/// `12345 NOK` as people write it: `123.45 NOK`.
pub fn shown(amount: i64, currency: &str) -> String {
    let digits = domain::Currency::try_from(currency).map_or(0, domain::Currency::minor_digits);
    let (whole, part) = (amount / 10_i64.pow(digits), amount.abs() % 10_i64.pow(digits));
    match digits {
        0 => format!("{whole} {currency}"),
        _ => format!("{whole}.{part:0width$} {currency}", width = digits as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_with_their_currency_s_decimals() {
        assert_eq!(shown(12_345, "NOK"), "123.45 NOK");
        assert_eq!(shown(5, "EUR"), "0.05 EUR");
        assert_eq!(shown(700, "JPY"), "700 JPY");
        assert_eq!(shown(1_500, "BHD"), "1.500 BHD");
        assert_eq!(shown(7, "?"), "7 ?");
    }
}
