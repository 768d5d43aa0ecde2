//! Bounds on what a client may take.

use std::time::Duration;

/// What one listener allows its clients. None of these may be zero.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections served at once. Further ones are told 503 at once, or hung up on where TLS would have to be
    /// spoken first: a client that knows can go elsewhere or come back, one that waits in a backlog cannot tell a
    /// full server from a dead one, and neither can a load balancer's check. Keep it well under
    /// [`descriptors_max`](super::descriptors_max), for the store needs descriptors too.
    pub connections_max: usize,
    /// From the connection, TLS handshake included, to the end of the first header; then from the first byte of
    /// each further request to the end of its header. After it, the connection is closed.
    pub header: Duration,
    /// From the end of the header to the end of the body. After it, the handler's reading fails, and whatever it
    /// answers is replaced by 408.
    pub body: Duration,
    /// From the end of an answer to the next request.
    pub idle: Duration,
    /// How long a client may take nothing of an answer that waits for it.
    pub stalled: Duration,
    /// The request line and the header lines, in bytes. Beyond it, as beyond 100 lines, the answer is 431.
    pub header_bytes_max: usize,
    /// How long idle connections are kept for requests already on their way when the server stops. A connection
    /// that has become idle cannot be closed without a risk of crossing with the next request.
    pub farewell: Duration,
    /// How long requests may still take when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            header: Duration::from_secs(10),
            body: Duration::from_secs(20),
            idle: Duration::from_secs(60),
            stalled: Duration::from_secs(60),
            header_bytes_max: 16 * 1024,
            farewell: Duration::from_millis(250),
            drain: Duration::from_secs(20),
        }
    }
}

impl Limits {
    /// The shortest limit on one step of a connection.
    pub(super) fn shortest(&self) -> Duration {
        self.header.min(self.body).min(self.idle).min(self.stalled)
    }
}
