//! What an account allows at most.

use std::collections::HashMap;

use super::Ledger;
use crate::{Amount, Card, CardUuid, Day, DayCount, DayLimit, DaySubject, Refusal};

/// Counts of the present day as an order would leave them.
#[derive(Default)]
pub(super) struct Counted(HashMap<DaySubject, DayCount>);

impl Ledger<'_> {
    pub(super) fn check_activation_limit(&self, amount: Amount) -> Result<(), Refusal> {
        match self.world().account.settings.activation_max {
            Some(max) if amount > max => Err(Refusal::ActivationLimit { max }),
            _ => Ok(()),
        }
    }

    pub(super) fn check_balance_limit(&self, card: &Card) -> Result<(), Refusal> {
        match self.world().account.settings.balance_max {
            Some(max) if card.balance() > max => Err(Refusal::BalanceLimit { max }),
            _ => Ok(()),
        }
    }

    /// Counts one call of `amount` towards the day of the card and of the client, beside what `counted` holds.
    pub(super) fn count(&self, counted: &mut Counted, card: CardUuid, amount: Amount) -> Result<(), Refusal> {
        let settings = &self.world().account.settings;
        let client = self.by.actor.client().map(|client| (DaySubject::Client(client), settings.client_day));
        let limits = [Some((DaySubject::Card(card), settings.card_day)), client];
        let set: Vec<(DaySubject, DayLimit)> =
            limits.into_iter().flatten().filter(|(_, limit)| limit.is_set()).collect();
        let mut after = Vec::new();
        for (subject, limit) in set {
            let kept = self.world().day_counts.get(&(subject, self.today())).copied();
            let before = counted.0.get(&subject).copied().or(kept).unwrap_or_default();
            let count = before.with(amount);
            if !limit.allows(&count) {
                return Err(Refusal::DayLimit);
            }
            after.push((subject, count));
        }
        counted.0.extend(after);
        Ok(())
    }

    /// The day counts of one call.
    pub(super) fn counted(&self, card: CardUuid, amount: Amount) -> Result<Counted, Refusal> {
        let mut counted = Counted::default();
        self.count(&mut counted, card, amount)?;
        Ok(counted)
    }

    pub(super) fn keep_counted(&mut self, counted: Counted) {
        let today = self.today();
        for (subject, count) in counted.0 {
            self.changes.world.day_counts.insert((subject, today), count);
            self.changes.changed_day_counts.insert((subject, today));
        }
    }

    fn today(&self) -> Day {
        Day::of(self.now)
    }
}
