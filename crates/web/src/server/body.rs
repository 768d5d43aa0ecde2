//! Bodies that tell the connection's [`Progress`] when they are done.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes};
use hyper::body::{Frame, Incoming, SizeHint};

use super::progress::Progress;

/// The body of a request, which fails when it is late.
pub struct RequestBody {
    incoming: Incoming,
    progress: Arc<Progress>,
    has_ended: bool,
}

/// A client took too long over sending a body.
#[derive(Debug, thiserror::Error)]
#[error("the body of the request did not arrive in time")]
pub struct Late;

impl RequestBody {
    pub fn new(incoming: Incoming, progress: Arc<Progress>) -> Self {
        Self { incoming, progress, has_ended: false }
    }

    fn end(&mut self, is_read: bool) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.progress.body_ended(is_read);
        }
    }
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let is_late = self.progress.is_body_late(cx.waker());
            return if is_late { Poll::Ready(Some(Err(Late.into()))) } else { Poll::Pending };
        };
        if frame.is_none() || self.incoming.is_end_stream() {
            self.end(true);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        self.end(false);
    }
}

/// The body of an answer. It is dropped when all of it has been handed over to be written.
pub struct AnswerBody {
    body: Body,
    progress: Arc<Progress>,
}

impl AnswerBody {
    pub fn new(body: Body, progress: Arc<Progress>) -> Self {
        Self { body, progress }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.progress.answered();
    }
}
