//! What has to be done again and again.

use domain::{Account, Actor, Command, Mode, Order, Outcome, Sweep};
use store::Turn;

use crate::{Error, OpenFault, Service};

/// A signing key is replaced at this age.
const SIGNING_KEY_DAYS: u32 = 90;

/// Cards swept in one order, so that none takes the place of much else: each may have a thousand locks.
const SWEPT_AT_ONCE: u32 = 32;

impl Service {
    /// What has to be done twice a minute or so: reads accounts and clients anew, forgets kept answers that have run
    /// out, enters the ends of locks that have run out, closes days that are over, replaces old signing keys. Of
    /// servers that share a database, one does it for an account while the others go on to the next.
    pub async fn maintain(&self) -> Result<(), OpenFault> {
        self.directory.load(&*self.store).await?;
        for account in self.sweep_all(self.store.accounts().await?).await {
            if let Err(error) = self.tidy(&account).await {
                tracing::error!(%error, aid = %account.aid, "an account's answers and days could not be tidied");
            }
        }
        let oldest = self.now().minus_seconds(SIGNING_KEY_DAYS * 86_400);
        for mode in [Mode::Test, Mode::Production] {
            if self.signing.signing_since(mode).is_none_or(|since| since < oldest) {
                // Another server may have been faster.
                self.make_signing_key(mode, Some(oldest)).await?;
            }
        }
        Ok(())
    }

    /// Forgets an account's answers and closes its days: one portion, so that an account far behind, as one whose clock
    /// was moved, does not keep the others waiting.
    async fn tidy(&self, account: &Account) -> Result<(), store::Error> {
        let Some(_turn) = self.store.try_turn(&format!("tidy {}", account.aid)).await? else {
            return Ok(());
        };
        self.store.forget_replays(account.aid, self.now()).await?;
        self.store.close_days(account.aid, account.now(self.now())).await?;
        Ok(())
    }

    /// Sweeps by turns, a portion of each account that may have more. Answers those in which nothing failed; the
    /// others are tried again the next time.
    async fn sweep_all(&self, accounts: Vec<Account>) -> Vec<Account> {
        let mut waiting: Vec<_> = accounts.into_iter().map(|account| (account, None)).collect();
        let mut swept = Vec::new();
        while !waiting.is_empty() {
            for (account, turn) in std::mem::take(&mut waiting) {
                match self.sweep(&account, turn).await {
                    Ok(Some(turn)) => waiting.push((account, Some(turn))),
                    Ok(None) => swept.push(account),
                    Err(error) => {
                        tracing::error!(%error, aid = %account.aid, "an account's locks could not be swept");
                    }
                }
            }
        }
        swept
    }

    /// Enters the ends of some locks that have run out. Answers the turn at it where there may be more: one that was
    /// let go of is not at once to be had again.
    async fn sweep(&self, account: &Account, turn: Option<Turn>) -> Result<Option<Turn>, Error> {
        let now = account.now(self.now());
        let cards = self.store.lapsed_cards(account.aid, now, SWEPT_AT_ONCE).await?;
        if cards.is_empty() {
            return Ok(None);
        }
        let turn = match turn {
            None => self.store.try_turn(&format!("sweep {}", account.aid)).await?,
            kept => kept,
        };
        let Some(turn) = turn else {
            return Ok(None);
        };
        let command = Command::Sweep(Sweep { cards });
        let request = self.new_request_id();
        let order = Order { actor: Actor::Operator, request, idempotency: None, command };
        match self.submit_order(account.aid, order).await?? {
            Outcome::Swept { expired } => Ok((expired > 0).then_some(turn)),
            _ => Err(Error::Internal),
        }
    }
}
