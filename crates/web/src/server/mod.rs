//! Serving a [`Router`]: sockets, TLS, time limits, an orderly stop, and what is measured of it all.
//!
//! `axum::serve` never closes a connection whose client stops in the middle of a header, and knows no bound on
//! connections; so this module has an accept loop of its own. What it promises is in [`Limits`].
//!
//! # Stopping
//!
//! The order matters, and its first step belongs to the caller:
//!
//! 1. Let `/readyz` answer 503, here by the [`Ready`] given to [`admin_router`], and wait as long as the load
//!    balancer takes to notice. Requests are still served as ever.
//! 2. Send `true` through the stop channel. The listener takes what already waits in its backlog and closes.
//!    From now on each answer says `Connection: close`.
//! 3. An idle connection stays open for [`Limits::farewell`], because a request may be on its way to it, and is
//!    closed then. A request whose header is not complete by then is dropped; it has not been seen by anyone.
//! 4. Requests that were accepted are answered. Those still in work after [`Limits::drain`] are cut off, and
//!    [`Stopped`] says how many.
//!
//! # Telling the metrics what happened
//!
//! A handler that did something worth counting puts an [`Event`] into the extensions of its response, and
//! [`PinFailure`] beside it when a wrong PIN was the reason of a refusal:
//!
//! ```
//! use axum::response::{IntoResponse, Response};
//! use web::server::Event;
//!
//! fn drawn_down() -> Response {
//!     let mut response = "{}".into_response();
//!     response.extensions_mut().insert(Event::Redemption("completed"));
//!     response
//! }
//! ```
//!
//! Requests are observed by themselves: [`Server`] wraps its router. Nothing else has to be wired.

mod accept;
mod admin;
mod body;
mod clock;
mod connection;
mod fault;
mod limits;
mod metrics;
mod progress;
mod socket;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use hyper::server::conn::http1;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};

pub use admin::{Ready, admin_router};
pub(crate) use body::Late;
pub use limits::Limits;
pub use metrics::{Event, Metrics, PinFailure, StoreFigures, descriptors_max};
pub use tls::{Tls, TlsFault, TlsFiles};

/// Clients beyond the bound that are told so at the same time; others are hung up on.
const REFUSALS_MAX: usize = 64;

/// What a connection may buffer of a body on its way in, and of an answer on its way out.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// A router with everything that is needed to serve it on one listener.
pub struct Server {
    router: Router,
    limits: Limits,
    metrics: Metrics,
    listener: &'static str,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Stopped {
    /// Connections that were closed in the middle of a request, because it took longer than [`Limits::drain`].
    pub connections_cut: usize,
}

/// What every connection of a server shares.
struct Shared {
    router: Router,
    http: http1::Builder,
    tls: Option<Tls>,
    limits: Limits,
    metrics: Metrics,
    listener: &'static str,
    slots: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    stopping: AtomicBool,
}

impl Server {
    /// A server with the default limits. `listener` names it in metrics and logs: `public`, `admin`, `operator`.
    pub fn new(listener: &'static str, router: Router, metrics: &Metrics) -> Self {
        let router = router.layer(metrics.observer());
        Self { router, limits: Limits::default(), metrics: metrics.clone(), listener }
    }

    /// The same with other limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves until `stop` says `true` or its sender is gone, as the [module](self) describes. Handlers find the
    /// client's address as `ConnectInfo<SocketAddr>`.
    ///
    /// To be called within a Tokio runtime.
    pub async fn serve(
        self,
        listener: TcpListener,
        tls: Option<Tls>,
        stop: watch::Receiver<bool>,
    ) -> Stopped {
        accept::run(Arc::new(self.shared(tls)), listener, stop).await
    }

    /// The same for a socket in the file system, whose clients have no address.
    pub async fn serve_unix(self, listener: UnixListener, stop: watch::Receiver<bool>) -> Stopped {
        accept::run(Arc::new(self.shared(None)), listener, stop).await
    }

    fn shared(self, tls: Option<Tls>) -> Shared {
        let mut http = http1::Builder::new();
        // Hyper's own limit on reading a header also runs while a connection is idle; `progress` tells them apart.
        http.header_read_timeout(None);
        http.max_header_size(self.limits.header_bytes_max);
        http.max_buf_size(BUFFER_BYTES_MAX.max(self.limits.header_bytes_max));
        Shared {
            http,
            tls,
            slots: Arc::new(Semaphore::new(self.limits.connections_max)),
            refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
            stopping: AtomicBool::new(false),
            router: self.router,
            limits: self.limits,
            metrics: self.metrics,
            listener: self.listener,
        }
    }
}

impl Shared {
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
