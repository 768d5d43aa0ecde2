//! Tills: clients with a connection each, asked for as much as the server gives, or at a rate of their own.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, sleep_until};

use crate::stats::Timings;

/// Longer than any answer may take, so that a server that hangs ends the run.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How many are opened without a rest, and the rest.
const TOGETHER: usize = 32;
const REST: Duration = Duration::from_millis(2);

/// No answer to a till is longer.
const ANSWER_BYTES_MAX: usize = 16 * 1_024;

/// The n-th request of a run, head and body.
pub trait Requests {
    fn request(&mut self, n: u64) -> Vec<u8>;
}

/// What came back.
pub struct Tally {
    /// From the send, or from the instant a request was due, to the last byte of a 200.
    pub done: Timings,
    /// From the send to the last byte of a 503 with `Retry-After`.
    pub refused: Timings,
    pub done_count: u64,
    pub refused_count: u64,
    /// From the first request to the last answer.
    pub took: Duration,
}

impl Tally {
    fn new() -> Result<Self> {
        let (done, refused) = (Timings::new()?, Timings::new()?);
        Ok(Self { done, refused, done_count: 0, refused_count: 0, took: Duration::ZERO })
    }

    /// Successes a second.
    pub fn rate(&self) -> f64 {
        count(self.done_count) / self.took.as_secs_f64()
    }
}

/// A number of requests as a figure to divide.
pub fn count(requests: u64) -> f64 {
    f64::from(u32::try_from(requests).unwrap_or(u32::MAX))
}

/// Tills that are open, on a thread of their own kind: one runtime without other threads.
pub struct Tills {
    runtime: Runtime,
    tills: Vec<Till>,
}

struct Till {
    stream: TcpStream,
    read: Vec<u8>,
}

struct Answer {
    status: u16,
    is_to_be_retried: bool,
}

/// What the tills of one run share.
struct Run<R> {
    requests: R,
    next: u64,
    end: u64,
    tally: Tally,
}

impl Tills {
    /// Opens so many, at each address by turns.
    pub fn open(addresses: &[SocketAddr], tills: usize) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let tills = runtime.block_on(async {
            let mut open = Vec::with_capacity(tills);
            for (till, address) in (0..tills).zip(addresses.iter().cycle()) {
                // Faster than the server takes them in, some would have to knock again, seconds later.
                if till % TOGETHER == 0 {
                    sleep(REST).await;
                }
                open.push(Till::open(*address).await?);
            }
            Ok::<_, anyhow::Error>(open)
        })?;
        Ok(Self { runtime, tills })
    }

    /// So many requests, each till asking anew as soon as it has its answer.
    pub fn closed(&mut self, requests: impl Requests + 'static, count: u64) -> Result<Tally> {
        self.run(requests, count, |_| None)
    }

    /// So many requests at so many a second, each due at its own instant, whether or not earlier ones have their
    /// answers; a latency counts from that instant. A till that is still waiting leaves it to another one.
    pub fn open_loop(
        &mut self,
        requests: impl Requests + 'static,
        rate: f64,
        during: Duration,
    ) -> Result<Tally> {
        let count = Duration::as_secs_f64(&during) * rate;
        let end = format!("{count:.0}").parse().context("a number of requests")?;
        self.run(requests, end, move |n| Some(Duration::from_secs_f64(self::count(n) / rate)))
    }

    fn run(
        &mut self,
        requests: impl Requests + 'static,
        end: u64,
        due: impl Fn(u64) -> Option<Duration> + Copy + 'static,
    ) -> Result<Tally> {
        let run = Rc::new(RefCell::new(Run { requests, next: 0, end, tally: Tally::new()? }));
        let local = LocalSet::new();
        let tills = std::mem::take(&mut self.tills);
        let begun = Instant::now();
        let back = local.block_on(&self.runtime, async {
            let mut working = JoinSet::new();
            for till in tills {
                working.spawn_local(work(till, Rc::clone(&run), begun, due));
            }
            let mut back = Vec::new();
            while let Some(till) = working.join_next().await {
                back.push(till.context("a till")??);
            }
            Ok::<_, anyhow::Error>(back)
        })?;
        self.tills = back;
        let run = Rc::into_inner(run).context("every till has come back")?.into_inner();
        Ok(Tally { took: begun.elapsed(), ..run.tally })
    }
}

async fn work<R: Requests>(
    mut till: Till,
    run: Rc<RefCell<Run<R>>>,
    begun: Instant,
    due: impl Fn(u64) -> Option<Duration>,
) -> Result<Till> {
    loop {
        let (n, request) = {
            let mut run = run.borrow_mut();
            if run.next == run.end {
                return Ok(till);
            }
            let n = run.next;
            run.next += 1;
            (n, run.requests.request(n))
        };
        let due = due(n).map(|after| begun + after);
        if let Some(due) = due {
            sleep_until(due.into()).await;
        }
        let sent = Instant::now();
        let answer = till.ask(&request).await?;
        let mut run = run.borrow_mut();
        match answer {
            Answer { status: 200, .. } => {
                run.tally.done.add(due.unwrap_or(sent).elapsed());
                run.tally.done_count += 1;
            }
            Answer { status: 503, is_to_be_retried: true } => {
                run.tally.refused.add(sent.elapsed());
                run.tally.refused_count += 1;
            }
            Answer { status, .. } => bail!("status {status}: {}", till.told()),
        }
    }
}

impl Till {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(ANSWER_BYTES_MAX) })
    }

    async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let answer = tokio::time::timeout(TIMEOUT, self.answer()).await;
        answer.context("the server did not answer")?
    }

    async fn answer(&mut self) -> Result<Answer> {
        self.read.clear();
        loop {
            let got = self.stream.read_buf(&mut self.read).await?;
            ensure!(got > 0, "the server closed the connection");
            ensure!(self.read.len() <= ANSWER_BYTES_MAX, "an answer of more than {ANSWER_BYTES_MAX} bytes");
            if let Some((answer, length)) = parsed(&self.read)?
                && self.read.len() == length
            {
                return Ok(answer);
            }
        }
    }

    /// The answer as it came, for whoever has to find out why it is not a success.
    fn told(&self) -> String {
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

/// The answer and its length, once its head is whole.
fn parsed(read: &[u8]) -> Result<Option<(Answer, usize)>> {
    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&read[..head]).context("a head that is not ASCII")?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).context("no status")?;
    let (mut length, mut is_to_be_retried) = (None, false);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<usize>()?);
        }
        is_to_be_retried |= name.eq_ignore_ascii_case("retry-after");
    }
    let length = length.context("no Content-Length")?;
    Ok(Some((Answer { status, is_to_be_retried }, head + 4 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_length_says_so() {
        let raw = b"HTTP/1.1 503 No\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}";
        let (answer, length) = parsed(raw).expect("an answer").expect("a head");
        assert_eq!((answer.status, answer.is_to_be_retried, length), (503, true, raw.len()));
        assert!(parsed(&raw[..30]).expect("no fault").is_none());
        assert!(parsed(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
