//! What clients asked for, what they were told, and what became of it.

use crate::common::{Answer, Api, Server};

/// A change that a client asks for until it has an answer, and that can be looked for afterwards.
pub trait Request: Send + Sync {
    /// What is read of the database to look for many of them.
    type Seen;
    /// What every answer to it says alike.
    type Told: Clone + std::fmt::Debug + PartialEq + Send;

    /// Reads the database of a server of those whose names begin so.
    fn see(server: &Server, prefix: &str) -> Self::Seen;

    /// The reference that it is sent with each time.
    fn name(&self) -> &str;

    /// Asks for it, or asks again; the error is that no answer came.
    fn send(&self, api: &Api) -> Result<Answer, reqwest::Error>;

    /// Whether it is there; fails the test where only a part of it is, or where it is there twice.
    fn is_whole(&self, seen: &Self::Seen) -> bool;

    /// What an answer says that will always be said.
    fn told(&self, answer: Answer) -> Self::Told;
}

/// What became of a request.
pub struct Asked<R: Request> {
    /// The request.
    pub request: R,
    /// How the first call ended.
    pub end: End<R::Told>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End<T> {
    /// It was carried out, and this was told.
    Made(T),
    /// Status and code.
    Refused(u16, String),
    /// No answer came.
    Lost,
    /// An answer came from a system that was going down, and may say what is not so.
    Uncounted,
}

impl<T> End<T> {
    /// Whether the client knows that it was carried out.
    pub fn is_made(&self) -> bool {
        matches!(self, Self::Made(_))
    }

    /// Whether the client is told to ask again.
    pub fn is_to_be_repeated(&self) -> bool {
        match self {
            Self::Refused(status, code) => *status == 503 || code == "OUTCOME_UNKNOWN",
            Self::Made(_) | Self::Lost | Self::Uncounted => false,
        }
    }
}

impl<R: Request> Asked<R> {
    /// Asks.
    #[track_caller]
    pub fn new(request: R, api: &Api) -> Self {
        let end = match request.send(api) {
            Ok(answer) if answer.status == 200 => End::Made(request.told(answer)),
            Ok(answer) => {
                let is_told_when = answer.headers.contains_key("retry-after");
                assert_eq!(is_told_when, answer.status == 503, "{}", answer.body);
                End::Refused(answer.status, answer.code().to_owned())
            }
            Err(_) => End::Lost,
        };
        Self { request, end }
    }

    /// Asks once more, perhaps another server. What nobody knows stays unknown until somebody says that it was made.
    #[track_caller]
    pub fn again(self, api: &Api) -> Self {
        let Asked { request, end } = Self::new(self.request, api);
        let end = match (self.end, end) {
            (unknown @ (End::Lost | End::Refused(500, _)), End::Refused(503, _)) => unknown,
            (_, end) => end,
        };
        Self { request, end }
    }
}

/// What is in the database is what was answered; a request without an answer is there as a whole or not at all, and
/// one whose refusal says that nothing was done is not there. Answers how many without an answer are there.
#[track_caller]
pub fn check_outcomes<R: Request>(server: &Server, prefix: &str, all: &[Asked<R>]) -> usize {
    let seen = R::see(server, prefix);
    let mut unanswered = 0;
    for Asked { request, end } in all {
        let is_there = request.is_whole(&seen);
        match end {
            End::Made(_) => assert!(is_there, "{} was answered and is gone", request.name()),
            End::Refused(503, _) => assert!(!is_there, "{} was said not to be done", request.name()),
            End::Refused(..) | End::Lost | End::Uncounted => unanswered += usize::from(is_there),
        }
    }
    unanswered
}

/// A repeat of each makes it once, and says the same to whoever asked before or asks once more.
#[track_caller]
pub fn check_repeats<R: Request>(server: &Server, prefix: &str, all: &[Asked<R>]) {
    let api = server.api();
    let ask = |request: &R| request.told(request.send(&api).expect("an answer"));
    for Asked { request, end } in all {
        let before = match end {
            End::Made(told) => told.clone(),
            End::Refused(..) | End::Lost | End::Uncounted => ask(request),
        };
        assert_eq!(ask(request), before, "{}: two answers", request.name());
    }
    let seen = R::see(server, prefix);
    for Asked { request, .. } in all {
        assert!(request.is_whole(&seen), "{}: asked for again and not there", request.name());
    }
}
