//! Adding money to a card, and giving money of a drawdown back.

use super::checks::{
    check_active, check_currency, check_not_expired, check_not_replaced, check_token_time, check_token_use,
};
use super::repeat::Sent;
use super::{Decision, Ledger};
use crate::transaction::{Asked, Entry};
use crate::{
    Action, Amount, Card, CardUuid, Fund, Reach, Reason, RefundToExpired, Refusal, Reverse, Timestamp, Token,
    Transaction, TransactionId, TransactionType,
};

impl Ledger<'_> {
    pub(super) fn fund(&mut self, fund: Fund) -> Decision {
        let (named, token) = self.selected(&fund.card)?;
        // A refund that was given before the card was replaced is on the old card, one since then on the new.
        let line = match fund.parent {
            Some(_) => self.world().successors(named),
            None => vec![named],
        };
        if let Some(before) = self.repeated(&line, &fund.ref_id, &sent(&fund))? {
            return self.written(before.clone());
        }
        match fund.parent {
            Some(parent) => {
                let receiver = line.last().copied().unwrap_or(named);
                self.refund(fund, (named, receiver), parent, token.as_ref())
            }
            None => self.plain_fund(fund, named, token.as_ref()),
        }
    }

    fn plain_fund(&mut self, fund: Fund, card: CardUuid, token: Option<&Token>) -> Decision {
        let mut draft = self.draft(card)?;
        let now = self.time_for(&draft.card);
        check_token_time(token, now)?;
        check_not_replaced(&draft.card)?;
        check_not_expired(&draft.card, now)?;
        check_active(&draft.card)?;
        let tries = self.check_pin(&draft.card, fund.pin.as_ref(), token.is_some())?;
        check_token_use(token)?;
        check_currency(&draft.card, fund.currency)?;
        let counted = self.counted(card, fund.amount)?;
        let row = self.enter(&mut draft, entry(fund, Reason::Fund, token))?;
        self.check_balance_limit(&draft.card)?;
        self.keep(draft);
        self.keep_tries(tries);
        self.keep_counted(counted);
        self.written(row)
    }

    fn refund(
        &mut self,
        fund: Fund,
        (named, receiver): (CardUuid, CardUuid),
        parent: TransactionId,
        token: Option<&Token>,
    ) -> Decision {
        let of = self.live_card(named)?;
        check_token_time(token, self.time_for(of))?;
        let drawdown = self.drawdown_of(parent, named)?.clone();
        let mut draft = self.draft(receiver)?;
        self.check_refundable(&draft.card, self.time_for(&draft.card))?;
        // The PIN and the token are those of the card that was named, whichever card the money goes to.
        let tries = self.check_pin(&self.live_card(named)?.clone(), fund.pin.as_ref(), token.is_some())?;
        check_token_use(token)?;
        check_currency(&draft.card, fund.currency)?;
        self.check_left(&drawdown, fund.amount)?;
        let row = self.enter(&mut draft, entry(fund, Reason::Refund, token))?;
        if named != receiver {
            let due = self.draft(named)?;
            self.keep_due(due);
        }
        self.keep(draft);
        self.keep_tries(tries);
        self.written(row)
    }

    pub(super) fn reverse(&mut self, reverse: Reverse) -> Decision {
        let parent = reverse.drawdown;
        let drawdown = self.followed(parent, Reach::Own)?.clone();
        let (kind, asked) = (TransactionType::Fund, Asked::whole(Action::Reverse));
        let line = self.world().successors(drawdown.card);
        let sent = Sent { parent: Some(parent), ..Sent::new(kind, asked) };
        if let Some(before) = self.repeated(&line, &reverse.ref_id, &sent)? {
            return self.written(before.clone());
        }
        if !matches!(drawdown.reason, Reason::Sale | Reason::Capture) {
            return Err(Refusal::NotADrawdown);
        }
        check_is_drawdown(&drawdown)?;
        let mut draft = self.draft(line.last().copied().unwrap_or(drawdown.card))?;
        self.check_in_time(&drawdown, self.time_for(&draft.card))?;
        self.check_left(&drawdown, drawdown.amount)?;
        let entry = Entry {
            ref_id: Some(reverse.ref_id),
            parent: Some(parent),
            ..Entry::new(reverse.id, (kind, Reason::Reversal), drawdown.amount, asked)
        };
        let row = self.enter(&mut draft, entry)?;
        self.keep(draft);
        self.written(row)
    }

    /// A drawdown in the history of `card`, which goes on from that of the cards it took the place of.
    fn drawdown_of(&self, id: TransactionId, card: CardUuid) -> Result<&Transaction, Refusal> {
        let row = self.world().transaction(id);
        let in_history = |row: &&Transaction| self.world().successors(row.card).contains(&card);
        let row = row.filter(in_history).ok_or(Refusal::TransactionNotFound)?;
        check_is_drawdown(row)?;
        Ok(row)
    }

    fn check_refundable(&self, card: &Card, now: Timestamp) -> Result<(), Refusal> {
        match self.world().account.settings.refund_to_expired {
            RefundToExpired::Refuse => check_not_expired(card, now),
            RefundToExpired::Allow => Ok(()),
        }
    }

    /// All that is given back of a drawdown, together: at most its amount.
    fn check_left(&self, drawdown: &Transaction, amount: Amount) -> Result<(), Refusal> {
        let refunded = self.world().refunded.get(&drawdown.id).copied().unwrap_or_default();
        let left = drawdown.amount.minus(refunded).unwrap_or_default();
        if amount > left { Err(Refusal::RefundExceedsDrawdown { left }) } else { Ok(()) }
    }

    fn check_in_time(&self, drawdown: &Transaction, now: Timestamp) -> Result<(), Refusal> {
        let seconds = self.world().account.settings.reversal_minutes.saturating_mul(60);
        let until = drawdown.created_at.plus_seconds(seconds);
        if now < until { Ok(()) } else { Err(Refusal::ReversalTooLate { until }) }
    }
}

fn asked(fund: &Fund) -> Asked {
    Asked::amount(fund.action(), fund.amount)
}

fn sent(fund: &Fund) -> Sent<'_> {
    Sent {
        parent: fund.parent,
        currency: Some(fund.currency),
        originated_by: fund.originated_by.as_ref(),
        ..Sent::new(TransactionType::Fund, asked(fund))
    }
}

fn entry(fund: Fund, reason: Reason, token: Option<&Token>) -> Entry {
    let asked = asked(&fund);
    Entry {
        ref_id: Some(fund.ref_id),
        parent: fund.parent,
        token: token.map(|token| token.uuid),
        originated_by: fund.originated_by,
        metadata: fund.metadata,
        ..Entry::new(fund.id, (TransactionType::Fund, reason), fund.amount, asked)
    }
}

fn check_is_drawdown(row: &Transaction) -> Result<(), Refusal> {
    match row.kind {
        TransactionType::Drawdown => Ok(()),
        TransactionType::Fund
        | TransactionType::PendingCapture
        | TransactionType::Voided
        | TransactionType::Expired => Err(Refusal::NotADrawdown),
    }
}
