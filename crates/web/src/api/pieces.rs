//! An answer that is sent piece by piece, so that it need not be held whole.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::mpsc;
use tracing::Instrument;

/// Pieces that wait for the client to take them.
const WAITING_MAX: usize = 1;

/// The rest of the answer cannot be had: the connection is cut, so that nobody takes the part for the whole.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct Cut;

/// Where pieces go. Sending waits for the client, and fails once it is gone.
pub(crate) type PiecesSender = mpsc::Sender<Result<Vec<u8>, Cut>>;

/// A successful answer in JSON, piece by piece.
pub(crate) struct Pieces(mpsc::Receiver<Result<Vec<u8>, Cut>>);

impl Pieces {
    /// The answer that `send` sends, which runs for as long as the client listens.
    pub(crate) fn of<F>(send: impl FnOnce(PiecesSender) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (to, from) = mpsc::channel(WAITING_MAX);
        tokio::spawn(send(to).in_current_span());
        Self(from)
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|piece| piece.map(|bytes| Frame::data(bytes.into()))))
    }
}

impl IntoResponse for Pieces {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::new(self));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}
