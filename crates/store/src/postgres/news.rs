//! What programs on one database tell each other of accounts, clients and signing keys.
//!
//! A change counts up in the table `news` and notifies, in its own transaction. A notification is lost while there is
//! no connection to hear it, so the counts are compared too.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Aid;
use tokio::sync::{Notify, mpsc};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};

use super::connect::{Purpose, Target, reason, serve, session};
use super::fault::{Fault, told};
use super::lane::{Param, Query};
use crate::{Error, News};

/// Runs as the last statement of a transaction that changes what `$1` names, and in no transaction of money: whoever
/// changes the same waits for the row, and the commits of all who notify wait for each other.
const TELL: &str = "WITH told AS (INSERT INTO news (subject, count) VALUES ($1, 1) \
    ON CONFLICT (subject) DO UPDATE SET count = news.count + 1 RETURNING subject, count) \
    SELECT pg_notify('gavekort_news', subject || ' ' || count) FROM told";

/// The subject that says that there is another signing key; that of an account is its `aid`.
const SIGNING_KEYS: &str = "signing keys";

const LISTEN: &str = "LISTEN gavekort_news";

const COUNTS: &str = "SELECT subject, count FROM news";

const COMPARE_EVERY: Duration = Duration::from_secs(2);

/// How long comparing may take before the connection is taken for lost.
const COMPARE_MAX: Duration = Duration::from_secs(3);

/// How soon a lost connection is replaced.
const CONNECT_AGAIN: Duration = Duration::from_millis(250);

/// Tells that an account, its clients or grants were changed.
pub fn of_account(aid: Aid) -> Query<'static> {
    tell(aid.to_string())
}

/// Tells that there is another signing key.
pub fn of_signing_keys() -> Query<'static> {
    tell(SIGNING_KEYS.to_owned())
}

fn tell(subject: String) -> Query<'static> {
    Query { sql: TELL, params: vec![Box::new(subject) as Param<'_>] }
}

/// Listens for as long as it is kept.
pub struct Listening {
    heard: Arc<Heard>,
    task: AbortHandle,
}

impl Listening {
    /// What is changed from now on will be heard of. The listening is done by the runtime that this is called in.
    pub async fn start(target: Arc<Target>) -> Result<Self, Error> {
        let mut counts = Counts::default();
        let ear = Ear::open(&target).await?;
        // Whoever opens a store knows nothing yet, so none of this is news.
        ear.compare(&mut counts).await?;
        let heard = Arc::<Heard>::default();
        let task = tokio::spawn(listen(target, heard.clone(), ear, counts)).abort_handle();
        Ok(Self { heard, task })
    }

    /// Waits for news.
    pub async fn next(&self) -> News {
        loop {
            let arrived = self.heard.arrived.notified();
            let news = std::mem::take(&mut *self.heard.news());
            if !news.is_empty() {
                return news;
            }
            arrived.await;
        }
    }

    /// Hears nothing more.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What was heard and nobody has taken yet.
#[derive(Default)]
struct Heard {
    news: Mutex<News>,
    arrived: Notify,
}

impl Heard {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, more: News) {
        if !more.is_empty() {
            self.news().add(more);
            self.arrived.notify_one();
        }
    }
}

/// How often each subject was changed, as far as is known here.
#[derive(Default)]
struct Counts(HashMap<String, i64>);

impl Counts {
    /// What it means that a subject was changed so often.
    fn learn(&mut self, subject: &str, count: i64) -> News {
        let known = self.0.get(subject).copied().unwrap_or_default();
        if count <= known {
            return News::default();
        }
        self.0.insert(subject.to_owned(), count);
        News {
            // A subject of a newer program is none of this one's business.
            accounts: Aid::try_from(subject).into_iter().collect(),
            signing_keys: subject == SIGNING_KEYS,
        }
    }
}

async fn listen(target: Arc<Target>, heard: Arc<Heard>, mut ear: Ear, mut counts: Counts) {
    let mut ticks = interval(COMPARE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_lost = tokio::select! {
            payload = ear.payloads.recv() => match payload {
                Some(payload) => {
                    let told = payload.rsplit_once(' ');
                    let told = told.and_then(|(subject, count)| Some((subject, count.parse().ok()?)));
                    if let Some((subject, count)) = told {
                        heard.add(counts.learn(subject, count));
                    }
                    false
                }
                None => true,
            },
            _ = ticks.tick() => match ear.compare(&mut counts).await {
                Ok(news) => {
                    heard.add(news);
                    false
                }
                Err(error) => {
                    tracing::debug!(%error, "news could not be compared");
                    true
                }
            },
        };
        if is_lost {
            ear = listen_again(&target).await;
            // At once: what was told meanwhile was told to nobody here.
            ticks.reset_immediately();
        }
    }
}

async fn listen_again(target: &Target) -> Ear {
    loop {
        match Ear::open(target).await {
            Ok(ear) => return ear,
            Err(error) => tracing::debug!(%error, "news cannot be listened for"),
        }
        sleep(CONNECT_AGAIN).await;
    }
}

/// A connection that listens, and the task that carries it.
struct Ear {
    client: Client,
    payloads: mpsc::UnboundedReceiver<String>,
    task: JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ear {
    async fn open(target: &Target) -> Result<Self, Error> {
        let away = || Error::Unavailable("PostgreSQL does not answer".to_owned());
        let (config, tls) = target.parts();
        let connected = timeout(COMPARE_MAX, config.connect(tls)).await.map_err(|_| away())?;
        let (client, mut connection) = connected.map_err(|error| Error::Unavailable(reason(&error)))?;
        let (send, payloads) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(told) = message
                    && send.send(told.payload().to_owned()).is_err()
                {
                    return;
                }
            }
        });
        let ear = Self { client, payloads, task };
        let first = format!("{}; {LISTEN}", session(Purpose::Read(COMPARE_MAX)));
        let listening = timeout(COMPARE_MAX, ear.client.batch_execute(&first)).await;
        listening.map_err(|_| away())?.map_err(|error| Error::Unavailable(told(&error)))?;
        // From before there are lanes, so that a store that is moved is not even opened.
        timeout(COMPARE_MAX * 2, serve(&ear.client)).await.map_err(|_| away())??;
        Ok(ear)
    }

    /// What was changed since `counts` were taken, which are brought up to date.
    async fn compare(&self, counts: &mut Counts) -> Result<News, Error> {
        let asked = timeout(COMPARE_MAX, self.client.query(COUNTS, &[])).await;
        let rows = asked.map_err(|_| Error::Unavailable("PostgreSQL does not answer".to_owned()))?;
        let fault = |error| Fault::Sql(error).into_error();
        let mut news = News::default();
        for row in rows.map_err(fault)? {
            let (subject, count) = (row.try_get(0).map_err(fault)?, row.try_get(1).map_err(fault)?);
            news.add(counts.learn(subject, count));
        }
        Ok(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_news_once_however_it_is_heard_of() {
        let mut counts = Counts::default();
        let aid = Aid::try_from("T12345678").expect("an account id");
        let of_account = News { accounts: [aid].into(), signing_keys: false };
        assert_eq!(counts.learn("T12345678", 2), of_account);
        assert_eq!(counts.learn("T12345678", 2), News::default());
        assert_eq!(counts.learn("T12345678", 1), News::default(), "told late");
        assert_eq!(counts.learn("T12345678", 3), of_account);
        assert_eq!(counts.learn(SIGNING_KEYS, 1), News { signing_keys: true, ..News::default() });
        assert_eq!(counts.learn("something new", 1), News::default());
    }

    #[tokio::test]
    async fn what_is_heard_before_anybody_asks_is_kept() {
        let heard = Arc::<Heard>::default();
        let task = tokio::spawn(std::future::pending::<()>()).abort_handle();
        let listening = Listening { heard: heard.clone(), task };
        let aid = |text: &str| Aid::try_from(text).expect("an account id");
        for text in ["T00000001", "T00000002"] {
            heard.add(News { accounts: [aid(text)].into(), signing_keys: false });
        }
        let both = News { accounts: [aid("T00000001"), aid("T00000002")].into(), signing_keys: false };
        assert_eq!(listening.next().await, both);
    }
}
