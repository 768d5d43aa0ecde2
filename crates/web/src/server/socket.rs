//! A stream that writes down what passes through it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use hyper::body::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fault;
use super::progress::Progress;

/// A client's stream, whose comings and goings are known to its [`Progress`].
pub struct Socket<S> {
    stream: S,
    progress: Arc<Progress>,
    is_blocked: bool,
    /// What is still to be written of a refusal that stands for one of hyper's.
    refusal: Option<Bytes>,
}

impl<S> Socket<S> {
    pub fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self { stream, progress, is_blocked: false, refusal: None }
    }

    pub fn into_stream(self) -> S {
        self.stream
    }

    fn wrote<T>(&mut self, outcome: Poll<T>) -> Poll<T> {
        // Each write that gets through begins the wait anew, so only a client that takes nothing is stalled.
        if self.is_blocked != outcome.is_pending() {
            self.is_blocked = outcome.is_pending();
            self.progress.blocked(self.is_blocked);
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> Socket<S> {
    /// Whether `buf` is an answer of hyper's own: no handler has been given a request to answer.
    fn is_refusal(&mut self, buf: &[u8]) -> bool {
        if self.refusal.is_none()
            && let Some(refusal) = fault::instead_of(buf)
            && self.progress.is_in_header()
        {
            self.refusal = Some(refusal.into());
        }
        self.refusal.is_some()
    }

    fn poll_refuse(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        while let Some(rest) = self.refusal.as_mut().filter(|rest| rest.has_remaining()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => rest.advance(written),
            }
        }
        Poll::Ready(Ok(buf.len()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.progress.received();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = match self.is_refusal(buf) {
            true => self.poll_refuse(cx, buf),
            false => Pin::new(&mut self.stream).poll_write(cx, buf),
        };
        self.wrote(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A refusal is a header and nothing else.
        if let [head] = bufs
            && self.is_refusal(head)
        {
            return self.poll_write(cx, head);
        }
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.wrote(outcome)
    }
}
