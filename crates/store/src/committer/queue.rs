//! Who is served next: pure, so that fairness can be tested without a store.
//!
//! Accounts take turns. Orders of money of one account keep their order, and so do its bulk orders; between
//! two groups of money there is at most one bulk order, however many wait.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use domain::Aid;

/// How much may wait, and how much is taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most orders that wait. One account may have a quarter of that.
    pub orders_max: usize,
    /// The most rows that the waiting orders will write, since a bulk order takes memory by its rows. One
    /// account may have a quarter of that.
    pub rows_max: usize,
    /// The most rows of one group.
    pub group_rows_max: usize,
    /// Whether a group holds the orders of one account alone.
    pub one_account: bool,
    /// How long a group waits at most for as many orders as came together before.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            orders_max: 8_192,
            rows_max: 65_536,
            group_rows_max: 1_024,
            one_account: false,
            patience: Duration::ZERO,
        }
    }
}

/// What waits, and what the queue must know of it.
#[derive(Debug)]
pub struct Waiting<T> {
    /// About how many rows it will write.
    pub rows: usize,
    /// Whether it may wait for money to go first.
    pub is_bulk: bool,
    /// When nobody waits for the answer any more.
    pub deadline: Instant,
    /// What waits.
    pub item: T,
}

/// What is to be committed together, and what came too late.
#[derive(Debug)]
pub struct Group<T> {
    /// The orders, by account, in their order.
    pub accounts: Vec<(Aid, Vec<T>)>,
    /// Those whose deadline has passed.
    pub given_up: Vec<T>,
}

/// What waits to be committed.
#[derive(Debug)]
pub struct Queue<T> {
    limits: Limits,
    money: Lane<T>,
    bulk: Lane<T>,
    bulk_is_next: bool,
    waits: Size,
    by_account: HashMap<Aid, Size>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    orders: usize,
    rows: usize,
}

impl Size {
    fn add(&mut self, rows: usize) {
        self.orders += 1;
        self.rows += rows;
    }

    fn take(&mut self, rows: usize) {
        self.orders -= 1;
        self.rows -= rows;
    }

    /// Whether one more of `rows` fits; a single one always does.
    fn has_room(&self, rows: usize, orders_max: usize, rows_max: usize) -> bool {
        self.orders == 0 || (self.orders < orders_max && self.rows + rows <= rows_max)
    }
}

/// Accounts in the order of their turns; each that has something waiting stands in it once.
#[derive(Debug)]
struct Lane<T> {
    turns: VecDeque<Aid>,
    accounts: HashMap<Aid, VecDeque<Waiting<T>>>,
}

impl<T> Lane<T> {
    fn new() -> Self {
        Self { turns: VecDeque::new(), accounts: HashMap::new() }
    }

    fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    fn push(&mut self, aid: Aid, waiting: Waiting<T>) {
        let line = self.accounts.entry(aid).or_default();
        if line.is_empty() {
            self.turns.push_back(aid);
        }
        line.push_back(waiting);
    }

    /// Whose turn it is.
    fn next(&self) -> Option<Aid> {
        self.turns.front().copied()
    }

    fn next_rows(&self, aid: Aid) -> Option<usize> {
        let line = self.accounts.get(&aid)?;
        line.front().map(|waiting| waiting.rows)
    }

    /// Takes one order of an account, which then waits for its next turn behind the others.
    fn pop(&mut self, aid: Aid) -> Option<Waiting<T>> {
        let line = self.accounts.get_mut(&aid)?;
        let waiting = line.pop_front()?;
        let is_over = line.is_empty();
        // It is the first in line, or, where it was just taken from, the last.
        if self.next() == Some(aid) {
            self.turns.pop_front();
        } else {
            self.turns.pop_back();
        }
        if is_over {
            self.accounts.remove(&aid);
        } else {
            self.turns.push_back(aid);
        }
        Some(waiting)
    }
}

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            money: Lane::new(),
            bulk: Lane::new(),
            bulk_is_next: false,
            waits: Size::default(),
            by_account: HashMap::new(),
        }
    }

    /// How many orders wait.
    pub fn len(&self) -> usize {
        self.waits.orders
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets an order wait, or gives it back where the queue, or the account's share of it, is full.
    pub fn push(&mut self, aid: Aid, waiting: Waiting<T>) -> Result<(), T> {
        let Limits { orders_max, rows_max, .. } = self.limits;
        let rows = waiting.rows;
        let own = self.by_account.get(&aid).copied().unwrap_or_default();
        let fits = self.waits.has_room(rows, orders_max, rows_max)
            && own.has_room(rows, orders_max.div_ceil(4), rows_max.div_ceil(4));
        if !fits {
            return Err(waiting.item);
        }
        self.waits.add(rows);
        self.by_account.entry(aid).or_default().add(rows);
        let lane = if waiting.is_bulk { &mut self.bulk } else { &mut self.money };
        lane.push(aid, waiting);
        Ok(())
    }

    /// What to commit next, or none where nothing waits.
    pub fn next_group(&mut self, now: Instant) -> Option<Group<T>> {
        let takes_bulk = !self.bulk.is_empty() && (self.bulk_is_next || self.money.is_empty());
        self.bulk_is_next = !takes_bulk;
        if self.is_empty() {
            return None;
        }
        let mut group = Group { accounts: Vec::new(), given_up: Vec::new() };
        let mut places = HashMap::new();
        let mut room = self.limits.group_rows_max;
        let mut only = None;
        while let Some((aid, waiting)) = self.pop(takes_bulk, room, group.accounts.is_empty(), only) {
            only = self.limits.one_account.then_some(aid);
            if waiting.deadline <= now {
                group.given_up.push(waiting.item);
                continue;
            }
            let place = *places.entry(aid).or_insert_with(|| {
                group.accounts.push((aid, Vec::new()));
                group.accounts.len() - 1
            });
            group.accounts[place].1.push(waiting.item);
            room = room.saturating_sub(waiting.rows);
            if takes_bulk {
                break;
            }
        }
        Some(group)
    }

    /// The next order of a lane, or of one account in it, if it fits; the first of a group always does.
    fn pop(
        &mut self,
        from_bulk: bool,
        room: usize,
        is_first: bool,
        only: Option<Aid>,
    ) -> Option<(Aid, Waiting<T>)> {
        let lane = if from_bulk { &mut self.bulk } else { &mut self.money };
        let aid = only.or_else(|| lane.next())?;
        lane.next_rows(aid).filter(|rows| is_first || *rows <= room)?;
        let waiting = lane.pop(aid)?;
        self.waits.take(waiting.rows);
        if let Some(own) = self.by_account.get_mut(&aid) {
            own.take(waiting.rows);
            if own.orders == 0 {
                self.by_account.remove(&aid);
            }
        }
        Some((aid, waiting))
    }

    /// Everything that waits, in no order worth a name.
    pub fn drain(&mut self) -> Vec<T> {
        let lanes =
            [std::mem::replace(&mut self.money, Lane::new()), std::mem::replace(&mut self.bulk, Lane::new())];
        self.waits = Size::default();
        self.by_account.clear();
        lanes
            .into_iter()
            .flat_map(|lane| lane.accounts.into_values().flatten())
            .map(|waiting| waiting.item)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn aid(number: usize) -> Aid {
        Aid::try_from(format!("T{number:08}").as_str()).expect("an account id")
    }

    fn limits(orders_max: usize, rows_max: usize, group_rows_max: usize) -> Limits {
        Limits { orders_max, rows_max, group_rows_max, ..Limits::default() }
    }

    fn waiting(rows: usize, is_bulk: bool, item: &'static str) -> Waiting<&'static str> {
        Waiting { rows, is_bulk, deadline: Instant::now() + Duration::from_secs(60), item }
    }

    fn money(item: &'static str) -> Waiting<&'static str> {
        waiting(1, false, item)
    }

    fn bulk(item: &'static str) -> Waiting<&'static str> {
        waiting(1_000, true, item)
    }

    /// The items of the next group, account by account.
    fn next(queue: &mut Queue<&'static str>) -> Vec<&'static str> {
        let group = queue.next_group(Instant::now());
        group.into_iter().flat_map(|group| group.accounts).flat_map(|(_, items)| items).collect()
    }

    #[test]
    fn orders_of_an_account_keep_their_order() {
        let mut queue = Queue::new(Limits::default());
        for item in ["a", "b", "c"] {
            queue.push(aid(1), money(item)).expect("room");
        }
        assert_eq!(next(&mut queue), ["a", "b", "c"]);
        assert!(queue.is_empty() && next(&mut queue).is_empty());
    }

    #[test]
    fn accounts_take_turns_within_a_group() {
        let mut queue = Queue::new(limits(100, 100, 4));
        for item in ["a1", "a2", "a3", "a4", "a5"] {
            queue.push(aid(1), money(item)).expect("room");
        }
        queue.push(aid(2), money("b1")).expect("room");
        queue.push(aid(3), money("c1")).expect("room");
        assert_eq!(next(&mut queue), ["a1", "a2", "b1", "c1"]);
        assert_eq!(next(&mut queue), ["a3", "a4", "a5"]);
    }

    #[test]
    fn a_group_of_one_account_leaves_the_others_their_turns() {
        let mut queue = Queue::new(Limits { one_account: true, ..limits(100, 100, 2) });
        for (account, item) in [(1, "a1"), (2, "b1"), (1, "a2"), (1, "a3"), (2, "b2")] {
            queue.push(aid(account), money(item)).expect("room");
        }
        assert_eq!([next(&mut queue), next(&mut queue)], [["a1", "a2"], ["b1", "b2"]]);
        assert_eq!(next(&mut queue), ["a3"]);
    }

    #[test]
    fn an_account_left_out_of_a_group_is_first_in_the_next() {
        let mut queue = Queue::new(limits(100, 100, 2));
        for (account, item) in [(1, "a1"), (1, "a2"), (2, "b1"), (3, "c1"), (3, "c2")] {
            queue.push(aid(account), money(item)).expect("room");
        }
        assert_eq!(next(&mut queue), ["a1", "b1"]);
        assert_eq!(next(&mut queue), ["c1", "a2"]);
        assert_eq!(next(&mut queue), ["c2"]);
    }

    #[test]
    fn between_two_groups_of_money_there_is_at_most_one_bulk_order() {
        let mut queue = Queue::new(limits(100, 100_000, 2));
        for item in ["B1", "B2", "B3"] {
            queue.push(aid(1), bulk(item)).expect("room");
        }
        for item in ["m1", "m2", "m3"] {
            queue.push(aid(1), money(item)).expect("room");
        }
        let groups: Vec<_> = (0..5).map(|_| next(&mut queue)).collect();
        assert_eq!(groups, [vec!["m1", "m2"], vec!["B1"], vec!["m3"], vec!["B2"], vec!["B3"]]);
    }

    #[test]
    fn accounts_take_turns_with_bulk_orders_too() {
        let mut queue = Queue::new(Limits::default());
        for (account, item) in [(1, "A1"), (1, "A2"), (2, "B1")] {
            queue.push(aid(account), bulk(item)).expect("room");
        }
        assert_eq!([next(&mut queue), next(&mut queue), next(&mut queue)], [["A1"], ["B1"], ["A2"]]);
    }

    #[test]
    fn an_order_larger_than_a_group_goes_alone() {
        let mut queue = Queue::new(limits(100, 100, 4));
        queue.push(aid(1), money("a")).expect("room");
        queue.push(aid(1), waiting(9, false, "large")).expect("room");
        queue.push(aid(1), money("b")).expect("room");
        assert_eq!(next(&mut queue), ["a"]);
        assert_eq!(next(&mut queue), ["large"]);
        assert_eq!(next(&mut queue), ["b"]);
    }

    #[test]
    fn an_account_has_a_quarter_of_the_queue_and_no_more() {
        let mut queue = Queue::new(limits(8, 100, 100));
        queue.push(aid(1), money("a")).expect("room");
        queue.push(aid(1), money("b")).expect("room");
        assert_eq!(queue.push(aid(1), money("c")), Err("c"));
        queue.push(aid(2), money("d")).expect("another account's share");
        next(&mut queue);
        queue.push(aid(1), money("c")).expect("room again");
    }

    #[test]
    fn a_full_queue_takes_nothing() {
        let mut queue = Queue::new(limits(4, 100, 100));
        for account in 1..=4 {
            queue.push(aid(account), money("a")).expect("room");
        }
        assert_eq!(queue.push(aid(5), money("b")), Err("b"));
        assert_eq!(queue.len(), 4);
    }

    #[test]
    fn rows_fill_the_queue_as_orders_do() {
        let mut queue = Queue::new(limits(1_000, 16_000, 1_024));
        for _ in 0..4 {
            queue.push(aid(1), bulk("B")).expect("room");
        }
        assert_eq!(queue.push(aid(1), bulk("B")), Err("B"));
        queue.push(aid(2), bulk("B")).expect("another account's share");
    }

    #[test]
    fn what_is_too_large_for_any_share_waits_alone() {
        let mut queue = Queue::new(limits(8, 100, 100));
        queue.push(aid(1), bulk("B")).expect("the only one of its account");
        assert_eq!(queue.push(aid(1), money("m")), Err("m"));
        assert_eq!(next(&mut queue), ["B"]);
    }

    #[test]
    fn what_came_too_late_is_given_up_and_takes_no_room_in_a_group() {
        let mut queue = Queue::new(limits(100, 100, 2));
        let now = Instant::now();
        for (item, deadline) in [("late", now), ("a", now + Duration::from_secs(1)), ("late too", now)] {
            queue.push(aid(1), Waiting { deadline, ..money(item) }).expect("room");
        }
        queue.push(aid(1), money("b")).expect("room");
        let group = queue.next_group(now).expect("a group");
        assert_eq!(group.given_up, ["late", "late too"]);
        assert_eq!(group.accounts, [(aid(1), vec!["a", "b"])]);
        assert!(queue.is_empty());
    }

    #[test]
    fn draining_leaves_an_empty_queue() {
        let mut queue = Queue::new(Limits::default());
        queue.push(aid(1), money("a")).expect("room");
        queue.push(aid(2), bulk("B")).expect("room");
        let mut drained = queue.drain();
        drained.sort_unstable();
        assert_eq!(drained, ["B", "a"]);
        assert!(queue.is_empty() && queue.next_group(Instant::now()).is_none());
    }
}
