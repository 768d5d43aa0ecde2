//! The committer over a ledger that does as it is told.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use domain::{
    ActivateCards, Actor, CardId, CardUuid, DeleteCard, RefId, Refusal, RequestId, Sweep, Timestamp,
};

use super::*;

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

/// Carries out nothing; what an order is to lead to is told by its card's id.
struct Scripted {
    log: Log,
    began: Sender<()>,
    may_go_on: Receiver<()>,
}

impl Scripted {
    fn note(&self, what: impl Into<String>) {
        self.log.lock().expect("the log").push(what.into());
    }
}

/// The answer by which a carried out order is known.
fn carried_out() -> Answer {
    Ok(Err(Refusal::CardNotFound))
}

fn wanted(order: &Order) -> &str {
    match &order.command {
        Command::DeleteCard(delete) => delete.card_id.as_str(),
        _ => panic!("another order"),
    }
}

impl Ledger for Scripted {
    fn begin(&mut self) -> Result<(), Error> {
        // A test that has failed lets everything end.
        let _gone = self.began.send(()).map(|()| self.may_go_on.recv());
        self.note("begin");
        Ok(())
    }

    fn carry_out(&mut self, _aid: Aid, orders: Vec<Order>, _now: Timestamp) -> Result<Done, Stop> {
        for order in &orders {
            self.note(wanted(order));
            match wanted(order) {
                "spoil" => return Err(Stop::Order(Err(Error::Internal("spoiled".to_owned())))),
                "full disk" => return Err(Stop::All(Error::Unavailable("full".to_owned()))),
                _ => {}
            }
        }
        let has_changes = orders.iter().any(|order| wanted(order) != "nothing");
        let decisions = orders.iter().map(|_| Err(Refusal::CardNotFound)).collect();
        Ok(Done { decisions, has_changes })
    }

    fn mark(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn back_to_mark(&mut self) -> Result<(), Error> {
        self.note("back to mark");
        Ok(())
    }

    fn commit(&mut self) -> Result<(), CommitFault> {
        let last = self.log.lock().expect("the log").last().cloned();
        self.note("commit");
        match last.as_deref() {
            Some("unknown") => Err(CommitFault::Unknown(Error::OutcomeUnknown("lost".to_owned()))),
            Some("full at commit") => Err(CommitFault::NothingDone(Error::Unavailable("full".to_owned()))),
            _ => Ok(()),
        }
    }

    fn roll_back(&mut self) -> Result<(), Error> {
        self.note("roll back");
        Ok(())
    }

    fn rest(&mut self) {}

    fn close(&mut self) {
        self.note("close");
    }
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }
}

/// A committer whose every transaction waits until the test lets it go on.
struct Stage {
    began: Receiver<()>,
    go_on: Sender<()>,
    /// Behind what its ledger waits for, so that it can end.
    committer: Committer<Scripted>,
    log: Log,
}

impl Stage {
    fn new(limits: Limits) -> Self {
        let (began_sender, began) = channel();
        let (go_on, may_go_on) = channel();
        let log = Log::default();
        let ledger = Scripted { log: Arc::clone(&log), began: began_sender, may_go_on };
        let committer = Committer::start(ledger, Arc::new(StoppedClock), limits).expect("a thread");
        Self { committer, log, began, go_on }
    }

    fn submit_until(&self, what: &str, deadline: Instant) -> Result<oneshot::Receiver<Answer>, Error> {
        let card_id = CardId::try_from(what).expect("a card_id");
        let order = Order {
            actor: Actor::Operator,
            request: RequestId(uuid::Uuid::nil()),
            idempotency: None,
            command: Command::DeleteCard(DeleteCard { card_id, forfeit: None }),
        };
        self.committer.submit(Aid::try_from("T00000001").expect("an account"), order, deadline)
    }

    fn submit(&self, what: &str) -> oneshot::Receiver<Answer> {
        self.submit_until(what, Instant::now() + Duration::from_secs(60)).expect("room")
    }

    /// A group under way, so that what is submitted now will be the next one.
    fn keep_busy(&self) -> oneshot::Receiver<Answer> {
        let first = self.submit("first");
        self.began.recv().expect("begun");
        first
    }

    /// Lets so many transactions go on.
    fn go_on(&self, transactions: usize) {
        for _ in 0..transactions {
            self.go_on.send(()).expect("the ledger listens");
        }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().expect("the log").clone()
    }
}

fn heard(answer: oneshot::Receiver<Answer>) -> Answer {
    answer.blocking_recv().expect("an answer")
}

#[test]
fn what_waits_is_committed_together() {
    let stage = Stage::new(Limits::default());
    let mut answers = vec![stage.keep_busy()];
    answers.extend(["a", "b", "c"].map(|order| stage.submit(order)));
    stage.go_on(2);
    assert!(answers.into_iter().all(|answer| heard(answer) == carried_out()));
    assert_eq!(stage.log(), ["begin", "first", "commit", "begin", "a", "b", "c", "commit"]);
    assert_eq!(stage.committer.totals(), (2, 4));
}

#[test]
fn a_group_waits_for_as_many_as_came_before_unless_the_committer_closes() {
    let stage = Stage::new(Limits { patience: Duration::from_secs(60), ..Limits::default() });
    let first = stage.keep_busy();
    let together = ["a", "b", "c"].map(|order| stage.submit(order));
    stage.go_on(2);
    assert!(together.into_iter().chain([first]).all(|answer| heard(answer) == carried_out()));
    stage.began.recv().expect("the second group was begun");
    let again = ["d", "e", "f"].map(|order| {
        let begun = stage.began.recv_timeout(Duration::from_millis(50));
        assert!(begun.is_err(), "a group began without {order}");
        stage.submit(order)
    });
    stage.go_on(2);
    assert!(again.into_iter().all(|answer| heard(answer) == carried_out()));
    let alone = stage.submit("alone");
    stage.committer.close();
    assert_eq!(heard(alone), carried_out());
    let groups = ["first", "a b c", "d e f", "alone"].map(|orders| format!("begin {orders} commit"));
    assert_eq!(stage.log().join(" "), format!("{} close", groups.join(" ")));
}

#[test]
fn a_group_that_changes_nothing_is_not_committed() {
    let stage = Stage::new(Limits::default());
    let answer = stage.submit("nothing");
    stage.go_on(1);
    assert_eq!(heard(answer), carried_out());
    assert_eq!(stage.log(), ["begin", "nothing", "roll back"]);
    assert_eq!(stage.committer.totals(), (0, 0));
}

#[test]
fn an_order_that_spoils_its_group_is_answered_alone() {
    let stage = Stage::new(Limits::default());
    let first = stage.keep_busy();
    let answers = ["a", "spoil", "b"].map(|order| stage.submit(order));
    stage.go_on(3);
    assert_eq!(heard(first), carried_out());
    let spoiled = Err(Error::Internal("spoiled".to_owned()));
    assert_eq!(answers.map(heard), [carried_out(), spoiled, carried_out()]);
    let second = stage.log().split_off(3);
    let one_by_one = ["begin", "a", "spoil", "back to mark", "b", "commit"];
    assert_eq!(second[..4], ["begin", "a", "spoil", "roll back"]);
    assert_eq!(second[4..], one_by_one);
}

#[test]
fn an_order_that_spoils_nothing_but_itself_is_not_tried_twice() {
    let stage = Stage::new(Limits::default());
    let answer = stage.submit("spoil");
    stage.go_on(1);
    assert!(matches!(heard(answer), Err(Error::Internal(_))));
    assert_eq!(stage.log(), ["begin", "spoil", "roll back"]);
}

#[test]
fn what_fails_for_all_is_told_to_all_and_the_next_group_goes_on() {
    let stage = Stage::new(Limits::default());
    let first = stage.keep_busy();
    let answers = ["a", "full disk", "b"].map(|order| stage.submit(order));
    stage.go_on(2);
    assert_eq!(heard(first), carried_out());
    for answer in answers.map(heard) {
        assert_eq!(answer, Err(Error::Unavailable("full".to_owned())));
    }
    let after = stage.submit("after");
    stage.go_on(1);
    assert_eq!(heard(after), carried_out());
}

#[test]
fn a_commit_that_did_nothing_for_certain_lets_the_next_group_go_on() {
    let stage = Stage::new(Limits::default());
    let answer = stage.submit("full at commit");
    stage.go_on(1);
    assert_eq!(heard(answer), Err(Error::Unavailable("full".to_owned())));
    let after = stage.submit("after");
    stage.go_on(1);
    assert_eq!(heard(after), carried_out());
    assert!(!*stage.committer.has_failed().borrow());
}

#[test]
fn an_unknown_outcome_is_told_to_its_group_and_ends_everything() {
    let stage = Stage::new(Limits { group_rows_max: 2, ..Limits::default() });
    let first = stage.keep_busy();
    let group = ["a", "unknown"].map(|order| stage.submit(order));
    let behind = stage.submit("behind");
    let mut has_failed = stage.committer.has_failed();
    stage.go_on(2);
    assert_eq!(heard(first), carried_out());
    for answer in group.map(heard) {
        assert_eq!(answer, Err(Error::OutcomeUnknown("lost".to_owned())));
    }
    assert!(matches!(heard(behind), Err(Error::Unavailable(_))));
    let deadline = Instant::now() + Duration::from_secs(60);
    assert!(matches!(stage.submit_until("after", deadline), Err(Error::Unavailable(_))));
    assert!(matches!(stage.committer.check_sound(), Err(Error::Unavailable(_))));
    stage.committer.close();
    assert!(*has_failed.borrow_and_update());
    // Nothing was done after it, closing included: what the database holds is not known.
    assert_eq!(stage.log().last().map(String::as_str), Some("commit"));
}

#[test]
fn an_order_past_its_deadline_is_given_up_before_any_work() {
    let stage = Stage::new(Limits::default());
    let first = stage.keep_busy();
    let deadline = Instant::now() + Duration::from_millis(1);
    let late = stage.submit_until("late", deadline).expect("room");
    let in_time = stage.submit("in time");
    while Instant::now() < deadline {
        std::hint::spin_loop();
    }
    stage.go_on(2);
    assert_eq!([first, in_time].map(heard), [carried_out(), carried_out()]);
    assert_eq!(heard(late), Err(Error::Overloaded));
    assert!(!stage.log().contains(&"late".to_owned()));
}

#[test]
fn an_order_that_comes_past_its_deadline_is_not_accepted() {
    let stage = Stage::new(Limits::default());
    assert_eq!(stage.submit_until("late", Instant::now()).err(), Some(Error::Overloaded));
}

#[test]
fn a_full_share_refuses_and_is_free_again_afterwards() {
    let stage = Stage::new(Limits { orders_max: 4, ..Limits::default() });
    let first = stage.keep_busy();
    let second = stage.submit("second");
    let deadline = Instant::now() + Duration::from_secs(60);
    assert_eq!(stage.submit_until("third", deadline).err(), Some(Error::Overloaded));
    assert_eq!(stage.committer.queued(), 1);
    stage.go_on(2);
    assert_eq!([first, second].map(heard), [carried_out(), carried_out()]);
    let third = stage.submit("third");
    stage.go_on(1);
    assert_eq!(heard(third), carried_out());
}

#[test]
fn an_order_nobody_waits_for_is_carried_out() {
    let stage = Stage::new(Limits::default());
    let first = stage.keep_busy();
    drop(stage.submit("unheard"));
    stage.go_on(2);
    heard(first).expect("carried out").expect_err("as scripted");
    stage.committer.close();
    assert!(stage.log().contains(&"unheard".to_owned()));
}

#[test]
fn closing_carries_out_what_was_accepted_and_takes_nothing_more() {
    let stage = Stage::new(Limits::default());
    let first = stage.keep_busy();
    let accepted = stage.submit("accepted");
    stage.go_on(2);
    stage.committer.close();
    assert_eq!([first, accepted].map(heard), [carried_out(), carried_out()]);
    assert_eq!(stage.log().last().map(String::as_str), Some("close"));
    let deadline = Instant::now() + Duration::from_secs(60);
    assert!(matches!(stage.submit_until("after", deadline), Err(Error::Unavailable(_))));
    stage.committer.close();
}

#[test]
fn work_that_is_no_order_is_done_between_groups() {
    let stage = Stage::new(Limits::default());
    let first = stage.keep_busy();
    let job = stage.committer.run(|ledger: &mut Scripted| {
        ledger.note("job");
        (Ok(7), true)
    });
    let behind = stage.submit("behind");
    stage.go_on(2);
    assert_eq!([first, behind].map(heard), [carried_out(), carried_out()]);
    assert_eq!(job.expect("room").blocking_recv(), Ok(Ok(7)));
    assert_eq!(stage.log()[2..5], ["commit", "job", "begin"]);
}

#[test]
fn commands_on_many_cards_wait_in_the_lane_of_bulk() {
    let sweep = |cards| Command::Sweep(Sweep { cards: vec![CardUuid(uuid::Uuid::nil()); cards] });
    let activate = Command::ActivateCards(ActivateCards {
        ref_id: RefId::try_from("order").expect("a ref_id"),
        cards: Vec::new(),
    });
    assert_eq!((size(&sweep(3)), size(&sweep(0)), size(&activate)), ((3, true), (1, true), (1, true)));
    let delete = DeleteCard { card_id: CardId::try_from("card").expect("a card_id"), forfeit: None };
    assert_eq!(size(&Command::DeleteCard(delete)), (1, false));
}
