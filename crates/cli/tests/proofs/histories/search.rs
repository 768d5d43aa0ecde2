//! Whether what several clients saw of a card can be put in one order: by the search of Wing and Gong, which does not
//! come to the same state twice as Lowe has it.
//!
//! Each call takes effect at one instant between its beginning and its end. A call without an answer does so at some
//! time after its beginning, or never.

use std::collections::HashSet;
use std::time::Instant;

use super::model::{Answer, Operation, State};

/// What one client asked and saw.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: Operation,
    pub begun: Instant,
    /// When it was answered, and what; None where the connection was lost.
    pub answer: Option<(Instant, Answer)>,
}

/// Calls of one card, at most 64.
struct Search<'a> {
    calls: &'a [Call],
    /// Which calls have an answer.
    answered: u64,
    seen: HashSet<(u64, State)>,
}

/// Whether there is an order of the calls, from this state of the card on, in which a single client would have been
/// answered the same.
pub fn is_explained(calls: &[Call], card: State) -> bool {
    assert!(calls.len() <= 64, "a bit for each of {} calls", calls.len());
    let answered = (0..).zip(calls).filter(|(_, call)| call.answer.is_some());
    let answered = answered.fold(0, |all, (place, _)| all | bit(place));
    Search { calls, answered, seen: HashSet::new() }.goes_on(0, card)
}

fn bit(place: u32) -> u64 {
    1 << place
}

impl Search<'_> {
    /// Whether the calls that are not yet put in order can follow.
    fn goes_on(&mut self, ordered: u64, card: State) -> bool {
        if ordered & self.answered == self.answered {
            return true;
        }
        if !self.seen.insert((ordered, card.clone())) {
            return false;
        }
        let calls = self.calls;
        let left = || (0..).zip(calls).filter(|(place, _)| ordered & bit(*place) == 0);
        // What begins after another call ended cannot come before it.
        let first_end = left().filter_map(|(_, call)| call.answer.map(|(ended, _)| ended)).min();
        for (place, call) in left().filter(|(_, call)| first_end.is_none_or(|end| call.begun <= end)) {
            let mut after = card.clone();
            let expected = after.apply(call.operation);
            let is_told_so = match call.answer {
                Some((_, answer)) => answer == expected,
                None => after != card,
            };
            if is_told_so && self.goes_on(ordered | bit(place), after) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PAID: Answer = Answer::Written { amount: 7, seq: 2, balance: 3, available: 3 };

    /// A call: when it begins, and when it ends and with what.
    type Seen = (Operation, u64, Option<(u64, Answer)>);

    /// Whether these calls of a card that holds 10 are explained.
    fn check(calls: &[Seen]) -> bool {
        let epoch = Instant::now();
        let at = |seconds: u64| epoch + Duration::from_secs(seconds);
        let call = |(operation, begun, answer): &Seen| Call {
            operation: *operation,
            begun: at(*begun),
            answer: answer.map(|(ended, answer)| (at(ended), answer)),
        };
        is_explained(&calls.iter().map(call).collect::<Vec<_>>(), State::new(10))
    }

    fn shown(drawdown: i64, reserved: i64) -> Answer {
        Answer::Shown { funds: 10, drawdown, reserved, available: 10 - drawdown - reserved }
    }

    #[test]
    fn calls_at_the_same_time_may_come_in_any_order() {
        let (pay, read) = (Operation::Drawdown(1, 7), Operation::Read);
        assert!(check(&[(pay, 0, Some((9, PAID))), (read, 1, Some((2, shown(0, 0))))]));
        assert!(check(&[(pay, 0, Some((9, PAID))), (read, 1, Some((2, shown(7, 0))))]));
    }

    #[test]
    fn money_that_is_spent_twice_is_found() {
        let twice = [Operation::Drawdown(1, 7), Operation::Drawdown(2, 7)];
        let both = twice.map(|operation| (operation, 0, Some((9, PAID))));
        assert!(!check(&both));
        let refused = Answer::InsufficientFunds { available: 3 };
        assert!(check(&[both[0], (twice[1], 0, Some((9, refused)))]));
    }

    #[test]
    fn a_read_that_does_not_show_what_was_answered_before_it_is_found() {
        let (pay, read) = (Operation::Drawdown(1, 7), Operation::Read);
        assert!(!check(&[(pay, 0, Some((1, PAID))), (read, 2, Some((3, shown(0, 0))))]));
    }

    #[test]
    fn money_that_comes_back_is_found() {
        let (pay, read) = (Operation::Drawdown(1, 7), Operation::Read);
        let seen = [(read, 1, Some((2, shown(7, 0)))), (read, 3, Some((4, shown(0, 0))))];
        assert!(!check(&[(pay, 0, Some((9, PAID))), seen[0], seen[1]]));
        assert!(!check(&[(pay, 0, None), seen[0], seen[1]]));
    }

    #[test]
    fn a_call_without_an_answer_may_or_may_not_have_been_carried_out_but_only_once() {
        let (pay, read) = (Operation::Drawdown(1, 7), Operation::Read);
        assert!(check(&[(pay, 0, None), (read, 5, Some((6, shown(0, 0))))]));
        assert!(check(&[(pay, 0, None), (read, 5, Some((6, shown(7, 0))))]));
        assert!(check(&[(pay, 0, None), (pay, 1, Some((2, PAID))), (read, 5, Some((6, shown(7, 0))))]));
        assert!(!check(&[(pay, 0, None), (pay, 1, Some((2, PAID))), (read, 5, Some((6, shown(14, 0))))]));
    }

    #[test]
    fn a_lock_that_ends_twice_is_found() {
        let locked = Answer::Written { amount: 7, seq: 2, balance: 10, available: 3 };
        let captured = Answer::Written { amount: 7, seq: 3, balance: 3, available: 3 };
        let voided = Answer::Written { amount: 7, seq: 4, balance: 3, available: 10 };
        let lock = (Operation::Lock(1, 7), 0, Some((1, locked)));
        let capture = (Operation::Capture(2, 1, None), 2, Some((9, captured)));
        let void = |answer| (Operation::Void(3, 1), 2, Some((9, answer)));
        assert!(!check(&[lock, capture, void(voided)]));
        assert!(check(&[lock, capture, void(Answer::LockClosed)]));
    }
}
