//! Taking in connections, and seeing them out.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use super::{Shared, Stopped, connection};

/// The rest after a failure to accept. What makes accepting fail, a lack of descriptors above all, passes when
/// other connections end, and until then the listener stays readable: without a rest this would be a busy loop.
const REST: Duration = Duration::from_millis(100);

/// What connections come from.
pub trait Accept: Send {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, with the client's address where there is one. May be dropped while it waits.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Option<SocketAddr>)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Option<SocketAddr>)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // Answers are written whole; holding one back to fill a packet only adds to its latency. That fails only
        // where the client has already gone.
        let _ = stream.set_nodelay(true);
        Ok((stream, Some(peer)))
    }
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Option<SocketAddr>)> {
        Ok((UnixListener::accept(self).await?.0, None))
    }
}

/// The connections of one listener.
struct Connections {
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
    tasks: JoinSet<()>,
    /// Whether the last client had to be refused, so that a flood of them is logged once.
    is_full: bool,
}

/// Serves until the stop, and then until the last connection has ended or was cut off.
pub async fn run<L: Accept>(shared: Arc<Shared>, listener: L, stop: watch::Receiver<bool>) -> Stopped {
    let mut connections =
        Connections { shared: shared.clone(), stop: stop.clone(), tasks: JoinSet::new(), is_full: false };
    take_in(&mut connections, &listener, stop).await;
    shared.stopping.store(true, Ordering::Relaxed);
    // Who waits in the backlog believes to be connected and may have sent a request.
    while let Some(Ok((stream, peer))) = ready_now(listener.accept()).await {
        connections.admit(stream, peer);
    }
    drop(listener);
    let connections_open = connections.tasks.len();
    info!(listener = shared.listener, connections_open, "listener closed");
    connections.see_out().await
}

async fn take_in<L: Accept>(connections: &mut Connections, listener: &L, mut stop: watch::Receiver<bool>) {
    let mut is_failing = false;
    // An error means that nobody is left who could say stop: that is one.
    let mut stopped = pin!(async move { _ = stop.wait_for(|stop| *stop).await });
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => return,
            Some(end) = connections.tasks.join_next() => {
                tell_panic(end);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                connections.admit(stream, peer);
                is_failing = false;
            }
            Err(error) if is_clients_own(&error) => {}
            Err(error) => {
                if !is_failing {
                    let listener = connections.shared.listener;
                    error!(listener, %error, "listener cannot accept connections and keeps trying");
                }
                is_failing = true;
                sleep(REST).await;
            }
        }
    }
}

impl Connections {
    fn admit<S>(&mut self, stream: S, peer: Option<SocketAddr>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = self.shared.clone();
        if let Ok(slot) = shared.slots.clone().try_acquire_owned() {
            self.is_full = false;
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                let _slot = slot;
                connection::serve(shared, stream, peer, stop).await;
            });
            return;
        }
        shared.metrics.connection_refused(shared.listener);
        if !std::mem::replace(&mut self.is_full, true) {
            let connections_max = shared.limits.connections_max;
            warn!(listener = shared.listener, connections_max, "listener is full and refuses clients");
        }
        // A handshake costs more than many a request; who is hung up on before it knows as much.
        if shared.tls.is_none()
            && let Ok(slot) = shared.refusals.clone().try_acquire_owned()
        {
            self.tasks.spawn(async move {
                let _slot = slot;
                connection::refuse(stream).await;
            });
        }
    }

    async fn see_out(mut self) -> Stopped {
        let all = async {
            while let Some(end) = self.tasks.join_next().await {
                tell_panic(end);
            }
        };
        let _ = timeout(self.shared.limits.drain, all).await;
        let connections_cut = self.tasks.len();
        if connections_cut > 0 {
            let drain_ms = self.shared.limits.drain.as_millis();
            warn!(connections_cut, drain_ms, "requests in work were cut off, because they took too long");
        }
        self.tasks.shutdown().await;
        Stopped { connections_cut }
    }
}

/// What the future has already come to, if anything.
async fn ready_now<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Whether only one client is concerned, who left between connecting and being accepted.
fn is_clients_own(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A panic ends one connection and no other. What it said went to stderr when it happened.
fn tell_panic(end: Result<(), JoinError>) {
    if end.is_err_and(|error| error.is_panic()) {
        error!("connection ended in a panic");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use axum::Router;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::server::{Metrics, Server, StoreFigures};

    /// A listener that fails three times before it accepts.
    struct Failing {
        fault: fn() -> io::Error,
        asked: Arc<AtomicUsize>,
        listener: TcpListener,
    }

    impl Accept for Failing {
        type Stream = TcpStream;

        async fn accept(&self) -> io::Result<(TcpStream, Option<SocketAddr>)> {
            // Only so that others get their turn; the failures themselves come at once.
            tokio::task::yield_now().await;
            match self.asked.fetch_add(1, Ordering::Relaxed) {
                0..3 => Err((self.fault)()),
                _ => Accept::accept(&self.listener).await,
            }
        }
    }

    /// Serves one client on a failing listener: how long it took and how often the listener was asked.
    async fn serve_one(fault: fn() -> io::Error) -> (Duration, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener");
        let asked = Arc::new(AtomicUsize::new(0));
        let failing = Failing { fault, asked: asked.clone(), listener };
        let metrics = Metrics::new("1.2.3", StoreFigures::default);
        let shared = Server::new("test", Router::new(), &metrics).shared(None);
        let (stop, stopped) = watch::channel(false);
        let started = Instant::now();
        let serving = tokio::spawn(run(Arc::new(shared), failing, stopped));
        let mut client = TcpStream::connect(address).await.expect("the server listens");
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("an open connection");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.0 404 "), "{answer}");
        let seen = (started.elapsed(), asked.load(Ordering::Relaxed));
        stop.send_replace(true);
        assert_eq!(serving.await.expect("no panic"), Stopped { connections_cut: 0 });
        seen
    }

    #[tokio::test]
    async fn a_lack_of_descriptors_is_waited_out_without_a_busy_loop() {
        let too_many_open_files = || io::Error::from_raw_os_error(24);
        let (took, asked) = serve_one(too_many_open_files).await;
        assert!(took >= 3 * REST, "{took:?}");
        assert!(asked <= 10, "asked {asked} times");
    }

    #[tokio::test]
    async fn a_client_that_left_too_early_costs_the_others_no_rest() {
        let (took, _) = serve_one(|| ErrorKind::ConnectionAborted.into()).await;
        assert!(took < REST, "{took:?}");
    }
}
