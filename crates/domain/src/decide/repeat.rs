//! How a request that was carried out before is told from another one with the same reference.

use super::{Ledger, Outcome};
use crate::transaction::Asked;
use crate::{CardUuid, Currency, OriginatedBy, RefId, Refusal, Transaction, TransactionId, TransactionType};

/// A money request as it was sent; metadata, token and PIN do not count.
pub(super) struct Sent<'a> {
    /// What it writes.
    pub(super) kind: TransactionType,
    pub(super) asked: Asked,
    pub(super) parent: Option<TransactionId>,
    /// None where the operation takes none.
    pub(super) currency: Option<Currency>,
    pub(super) originated_by: Option<&'a OriginatedBy>,
}

impl<'a> Sent<'a> {
    /// A request without parent, currency and origin.
    pub(super) fn new(kind: TransactionType, asked: Asked) -> Self {
        Self { kind, asked, parent: None, currency: None, originated_by: None }
    }
}

impl Ledger<'_> {
    /// The row that the same request wrote before on one of `cards`, if it did. The reference standing for anything
    /// else is a refusal.
    pub(super) fn repeated(
        &self,
        cards: &[CardUuid],
        ref_id: &RefId,
        sent: &Sent<'_>,
    ) -> Result<Option<&Transaction>, Refusal> {
        let on = |card: &CardUuid| self.world().transactions.get(&(*card, ref_id.clone()));
        let Some(before) = cards.iter().find_map(on) else {
            return Ok(None);
        };
        let same = before.created_by == self.by.actor.client()
            && before.kind == sent.kind
            && before.asked == sent.asked
            && before.parent == sent.parent
            && sent.currency.is_none_or(|currency| before.currency == currency)
            && before.originated_by.as_ref() == sent.originated_by;
        if same { Ok(Some(before)) } else { Err(Refusal::RefIdReused) }
    }

    /// The answer that shows a row.
    pub(super) fn written(&self, row: Transaction) -> Result<Outcome, Refusal> {
        let card = self.world().cards.get(&row.card).ok_or(Refusal::CardNotFound)?;
        let card_id = card.card_id.clone();
        Ok(Outcome::Written(Box::new(row), card_id))
    }
}
