//! A way to a server that can be bad: slow, cut, silent, or cut at the very moment of a commit.

mod frontend;
mod rewriting;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Error, port};
use frontend::Frontend;
use rewriting::Rewriting;

/// What happens to what passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// It passes.
    #[default]
    Fair,
    /// It passes after this time, each piece.
    Slow(Duration),
    /// It is taken and never passed on. A connection that lost something is cut once it would pass again.
    Silent,
    /// New connections are cut at once, and so are those that carry something.
    Gone,
}

/// How a server tells that it has committed. It comes in one piece: the answers before are short.
const DONE: &[u8] = b"COMMIT\0";

/// Where the connection is cut on which the next commit is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// What asks for the commit does not reach the server.
    BeforeCommit,
    /// It does and is carried out, and the answer does not come back.
    AfterCommit,
}

/// Stands between clients and a server on 127.0.0.1. When it is dropped, all its connections are cut.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    server: u16,
}

struct Shared {
    state: Mutex<State>,
    is_over: AtomicBool,
}

#[derive(Default)]
struct State {
    weather: Weather,
    /// What clients say otherwise on connections that are made from now on.
    rewriting: Option<Rewriting>,
    /// Waits for a commit, with the weather that comes then.
    cut: Option<(Cut, Weather)>,
    cuts: u64,
    /// Both ends of every connection.
    streams: Vec<TcpStream>,
}

impl Proxy {
    /// A proxy to the server on this port.
    pub fn to(server: u16) -> Result<Self, Error> {
        let port = port::free()?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(Error::of("a port for a proxy"))?;
        let shared = Arc::new(Shared { state: Mutex::default(), is_over: AtomicBool::new(false) });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accepting.accept(&listener, server));
        Ok(Self { shared, port, server })
    }

    /// The URL of a database of the server, by way of the proxy.
    pub fn url(&self, direct: &str) -> String {
        direct.replacen(&format!(":{}/", self.server), &format!(":{}/", self.port), 1)
    }

    /// Changes what happens to all that passes from now on.
    pub fn set(&self, weather: Weather) {
        let mut state = self.shared.state();
        state.weather = weather;
        if weather == Weather::Gone {
            state.cut_all();
        }
    }

    /// Puts other words of the same length in the place of some, wherever they stand in what clients say on connections
    /// that are made from now on.
    pub fn rewrite(&self, words: &'static str, others: &'static str) {
        self.shared.state().rewriting = Some(Rewriting::new(words, others));
    }

    /// Cuts every connection; new ones are made as before.
    pub fn cut(&self) {
        self.shared.state().cut_all();
    }

    /// Cuts the connection on which the next commit is asked for, and at that moment changes the weather.
    pub fn cut_at_commit(&self, cut: Cut, then: Weather) {
        self.shared.state().cut = Some((cut, then));
    }

    /// How many connections were cut at a commit so far.
    pub fn cuts_at_commit(&self) -> u64 {
        self.shared.state().cuts
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.state().cut_all();
        // So that it looks up.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

impl State {
    fn cut_all(&mut self) {
        for stream in self.streams.drain(..) {
            close(&stream);
        }
    }
}

fn close(stream: &TcpStream) {
    // Somebody else may have closed it.
    let _closed = stream.shutdown(Shutdown::Both);
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener, server: u16) {
        for client in listener.incoming() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else { continue };
            // Who finds no server finds the connection closed.
            let _carried = self.carry(client, server);
        }
    }

    fn carry(self: &Arc<Self>, client: TcpStream, server: u16) -> io::Result<()> {
        if self.state().weather == Weather::Gone {
            return Ok(());
        }
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server))?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            let stream = stream.try_clone()?;
            self.state().streams.push(stream);
        }
        let (to_server, to_client) = (Pipe::of(&client, &server)?, Pipe::of(&server, &client)?);
        let rewriting = self.state().rewriting.clone();
        // An answer is taken for that to a commit once one was asked for.
        let swallows: Arc<Mutex<Option<Weather>>> = Arc::default();
        let (shared, asks) = (Arc::clone(self), Arc::clone(&swallows));
        let requests = Watch::Requests { frontend: Frontend::default(), rewriting, swallows: asks };
        thread::spawn(move || to_server.run(&shared, requests));
        let shared = Arc::clone(self);
        thread::spawn(move || to_client.run(&shared, Watch::Answers(swallows)));
        Ok(())
    }

    /// A connection is cut at a commit.
    fn cut_at_commit(&self, then: Weather) {
        let mut state = self.state();
        state.cuts += 1;
        state.weather = then;
    }
}

/// What one direction is looked through for, and, if the answer to a commit is to be swallowed, the weather after.
enum Watch {
    Requests { frontend: Frontend, rewriting: Option<Rewriting>, swallows: Arc<Mutex<Option<Weather>>> },
    Answers(Arc<Mutex<Option<Weather>>>),
}

/// What becomes of a piece.
enum Fate {
    Passes,
    Swallowed,
    Cut,
}

impl Watch {
    /// What is passed on of a piece.
    fn seen(&mut self, piece: &[u8]) -> Vec<u8> {
        match self {
            Self::Requests { rewriting: Some(rewriting), .. } => rewriting.pass(piece),
            Self::Requests { .. } | Self::Answers(_) => piece.to_vec(),
        }
    }

    fn fate(&mut self, piece: &[u8], shared: &Shared) -> Fate {
        match self {
            Self::Requests { frontend, swallows, .. } => {
                if !frontend.asks_for_commit(piece) {
                    return Fate::Passes;
                }
                let asked = shared.state().cut.take();
                match asked {
                    None => Fate::Passes,
                    Some((Cut::BeforeCommit, then)) => {
                        shared.cut_at_commit(then);
                        Fate::Cut
                    }
                    Some((Cut::AfterCommit, then)) => {
                        *swallows.lock().unwrap_or_else(PoisonError::into_inner) = Some(then);
                        Fate::Passes
                    }
                }
            }
            Self::Answers(swallows) => {
                let Some(then) = *swallows.lock().unwrap_or_else(PoisonError::into_inner) else {
                    return Fate::Passes;
                };
                // A server that cannot send an answer ends what it was at: it must get rid of them all.
                if !piece.windows(DONE.len()).any(|window| window == DONE) {
                    return Fate::Swallowed;
                }
                shared.cut_at_commit(then);
                Fate::Cut
            }
        }
    }
}

/// One direction of a connection.
struct Pipe {
    from: TcpStream,
    to: TcpStream,
}

impl Pipe {
    fn of(from: &TcpStream, to: &TcpStream) -> io::Result<Self> {
        Ok(Self { from: from.try_clone()?, to: to.try_clone()? })
    }

    fn run(mut self, shared: &Shared, watch: Watch) {
        // An end of either side is the end of both.
        let _ended = self.pass(shared, watch);
        close(&self.from);
        close(&self.to);
    }

    fn pass(&mut self, shared: &Shared, mut watch: Watch) -> io::Result<()> {
        let mut buffer = [0; 16 * 1_024];
        let mut has_lost = false;
        loop {
            let count = self.from.read(&mut buffer)?;
            let piece = &buffer[..count];
            if count == 0 {
                return Ok(());
            }
            let weather = shared.state().weather;
            match weather {
                Weather::Gone => return Ok(()),
                Weather::Silent => {
                    has_lost = true;
                    continue;
                }
                Weather::Fair | Weather::Slow(_) if has_lost => return Ok(()),
                Weather::Fair => {}
                Weather::Slow(time) => thread::sleep(time),
            }
            let piece = watch.seen(piece);
            match watch.fate(&piece, shared) {
                Fate::Passes => self.to.write_all(&piece)?,
                Fate::Swallowed => {}
                Fate::Cut => return Ok(()),
            }
        }
    }
}
