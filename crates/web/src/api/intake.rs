//! Bodies as they arrive: each within its operation's limit, and all together within the room there is for them.

use std::error::Error;
use std::fmt;

use axum::body::Body as HttpBody;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::request::Parts;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::{ApiError, Code};
use crate::server::Late;

/// The largest body that an operation reads. An operation that says nothing of it has the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyLimit {
    kib: usize,
}

impl BodyLimit {
    pub(crate) const fn of_kib(kib: usize) -> Self {
        Self { kib }
    }

    fn bytes(self) -> usize {
        self.kib * 1024
    }
}

impl Default for BodyLimit {
    fn default() -> Self {
        Self::of_kib(4 * 1024)
    }
}

impl fmt::Display for BodyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kib / 1024, self.kib % 1024) {
            (mib, 0) => write!(f, "{mib} MiB"),
            _ => write!(f, "{} KiB", self.kib),
        }
    }
}

/// The room for all bodies that are being read.
///
/// A body takes its share byte by byte as it arrives, so that announcing much and sending little takes little. Nobody
/// waits for room: who waited would keep the share he has, and many could wait for each other.
pub(crate) struct Room(Semaphore);

/// What a body takes of the room, until it is dropped.
pub(crate) struct Share<'r>(SemaphorePermit<'r>);

impl Room {
    /// Sixteen of the largest bodies, and tens of thousands of the usual ones.
    const BYTES: usize = 64 * 1024 * 1024;

    pub(crate) fn new() -> Self {
        Self(Semaphore::new(Self::BYTES))
    }

    fn take(&self, bytes: usize) -> Result<Share<'_>, ApiError> {
        let taken = u32::try_from(bytes).ok().and_then(|bytes| self.0.try_acquire_many(bytes).ok());
        taken.map(Share).ok_or_else(|| {
            ApiError::new(Code::Overloaded, "the server has no room for more bodies; nothing was done")
                .retry_after(1)
        })
    }
}

/// How much may be read of a request's body. One that says itself that it is larger, or compressed, is refused.
pub(crate) fn limit_of(parts: &Parts) -> Result<BodyLimit, ApiError> {
    let limit = parts.extensions.get::<BodyLimit>().copied().unwrap_or_default();
    let declared = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared > Some(limit.bytes()) {
        return Err(too_large(limit));
    }
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !parts.headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        let message = "the body must come without a content encoding";
        return Err(ApiError::new(Code::UnsupportedMediaType, message));
    }
    Ok(limit)
}

/// Reads a body to its end. The share is to be kept as long as the text is.
pub(crate) async fn receive(
    room: &Room,
    limit: BodyLimit,
    mut body: HttpBody,
) -> Result<(String, Share<'_>), ApiError> {
    let mut share = room.take(0)?;
    // One buffer rather than a list of pieces: of single bytes, the list would be much larger than what it holds.
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|error| broken_off(&error))?.into_data() else {
            continue;
        };
        if piece.len() > limit.bytes() - bytes.len() {
            return Err(too_large(limit));
        }
        share.0.merge(room.take(piece.len())?.0);
        bytes.extend_from_slice(&piece);
    }
    let text = String::from_utf8(bytes).map_err(|_| ApiError::invalid("the body is not UTF-8"))?;
    Ok((text, share))
}

fn too_large(limit: BodyLimit) -> ApiError {
    ApiError::new(Code::BodyTooLarge, format!("the body is larger than {limit}"))
}

fn broken_off(error: &axum::Error) -> ApiError {
    if error.source().is_some_and(|cause| cause.is::<Late>()) {
        ApiError::new(Code::RequestTimeout, "the body did not arrive in time; nothing was done")
    } else {
        ApiError::invalid("the body did not arrive whole")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::Bytes;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use hyper::body::Frame;

    use super::*;

    /// A body in pieces, each of which may be a failure.
    struct Pieces(VecDeque<Result<&'static [u8], &'static str>>);

    impl hyper::body::Body for Pieces {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            let piece = self.0.pop_front();
            Poll::Ready(piece.map(|piece| piece.map(|piece| Frame::data(Bytes::from_static(piece)))))
        }
    }

    /// Reads `pieces` of an operation that takes a KiB.
    async fn read<'r, const N: usize>(
        room: &'r Room,
        pieces: [Result<&'static [u8], &'static str>; N],
    ) -> Result<(String, Share<'r>), StatusCode> {
        let body = HttpBody::new(Pieces(pieces.into()));
        let received = receive(room, BodyLimit::of_kib(1), body).await;
        received.map_err(|error| error.into_response().status())
    }

    #[tokio::test]
    async fn a_body_holds_its_room_until_its_text_is_gone() {
        let room = Room(Semaphore::new(10));
        let (text, share) = read(&room, [Ok(b"1234"), Ok(b"567")]).await.expect("room");
        assert_eq!((text.as_str(), room.0.available_permits()), ("1234567", 3));
        let second = read(&room, [Ok(b"123"), Ok(b"4")]).await;
        assert_eq!(second.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(room.0.available_permits(), 3, "what was refused keeps nothing");
        drop(share);
        assert!(read(&room, [Ok(b"1234567890")]).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_or_is_too_large_keeps_no_room() {
        let room = Room::new();
        let broken = read(&room, [Ok(b"1234"), Err("gone")]).await;
        assert_eq!(broken.err(), Some(StatusCode::BAD_REQUEST));
        let large = read(&room, [Ok(&[b'x'; 1024]), Ok(b"x")]).await;
        assert_eq!(large.err(), Some(StatusCode::PAYLOAD_TOO_LARGE));
        let not_utf8 = read(&room, [Ok(b"\xff")]).await;
        assert_eq!(not_utf8.err(), Some(StatusCode::BAD_REQUEST));
        assert!(read(&room, [Ok(&[b'x'; 1024])]).await.is_ok());
        assert_eq!(room.0.available_permits(), Room::BYTES);
    }

    #[test]
    fn limits_are_told_in_round_numbers() {
        let told = [16, 4 * 1024, 1536].map(|kib| BodyLimit::of_kib(kib).to_string());
        assert_eq!(told, ["16 KiB", "4 MiB", "1536 KiB"]);
    }
}
