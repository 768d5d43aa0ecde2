//! One connection, from its handshake to its close.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{sleep, timeout, timeout_at};
use tower::Service as _;
use tracing::debug;

use super::body::{AnswerBody, RequestBody};
use super::clock::now;
use super::progress::{Overdue, Progress};
use super::socket::Socket;
use super::{Shared, fault};

/// How long a client is listened to after the last answer, so that it can read it: closing a socket with unread
/// input makes the kernel reset the connection, and a reset discards what the client has not read yet.
const LINGER: Duration = Duration::from_secs(1);

/// What is read at once of input that nobody wants.
const DISCARD_BYTES: usize = 8 * 1024;

/// What the layers around the handlers know of the connection, as an extension of the request.
#[derive(Clone)]
pub struct OnConnection(pub Arc<Progress>);

/// Serves one client until it leaves, breaks a limit, or the server stops.
pub async fn serve<S>(shared: Arc<Shared>, stream: S, peer: Option<SocketAddr>, stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let _open = shared.metrics.connection_open(shared.listener);
    let accepted = now();
    let Some(tls) = &shared.tls else {
        return serve_http(&shared, stream, peer, accepted, stop).await;
    };
    let deadline = (accepted + shared.limits.header).into();
    let stream = tokio::select! {
        biased;
        () = farewell(stop.clone(), shared.limits.farewell) => return,
        stream = timeout_at(deadline, tls.accept(stream)) => stream,
    };
    match stream {
        Ok(Ok(stream)) => serve_http(&shared, stream, peer, accepted, stop).await,
        Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
        Err(_) => debug!("TLS handshake took too long"),
    }
}

async fn serve_http<S>(
    shared: &Arc<Shared>,
    stream: S,
    peer: Option<SocketAddr>,
    accepted: Instant,
    stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &shared.limits;
    let progress = Arc::new(Progress::new(accepted));
    let io = TokioIo::new(Socket::new(stream, progress.clone()));
    let answer = service_fn(|request| answer(shared, &progress, peer, request));
    let mut connection = shared.http.serve_connection(io, answer);
    let mut overdue = pin!(progress.overdue(limits));
    let mut farewell = pin!(farewell(stop, limits.farewell));
    let mut is_leaving = false;
    let end = loop {
        let overdue_now = tokio::select! {
            biased;
            end = &mut connection => break end,
            reason = &mut overdue => Some(reason),
            () = &mut farewell, if !is_leaving => None,
        };
        match overdue_now {
            Some(reason @ (Overdue::Header | Overdue::Stalled)) => {
                return debug!(?reason, "client was too slow");
            }
            None if progress.is_in_header() => return,
            None => is_leaving = true,
            Some(Overdue::Idle) => {}
        }
        // The connection was polled just now: if it is idle, nothing has come, and this closes it.
        Pin::new(&mut connection).graceful_shutdown();
        overdue.set(progress.overdue(limits));
    };
    if let Err(error) = &end {
        debug!(%error, "connection failed");
    }
    if progress.is_body_unread() || end.is_err_and(|error| error.is_parse()) {
        discard(connection.into_parts().io.into_inner().into_stream()).await;
    }
}

/// Hands a request to the router.
fn answer(
    shared: &Arc<Shared>,
    progress: &Arc<Progress>,
    peer: Option<SocketAddr>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<> {
    let (shared, progress) = (shared.clone(), progress.clone());
    let has_body = !request.body().is_end_stream();
    progress.requested(has_body);
    let mut request = request.map(|incoming| match has_body {
        true => Body::new(RequestBody::new(incoming, progress.clone())),
        false => Body::empty(),
    });
    request.extensions_mut().insert(OnConnection(progress.clone()));
    if let Some(peer) = peer {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let answer = shared.router.clone().call(request);
    async move {
        let mut response = answer.await?;
        if shared.is_stopping() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| AnswerBody::new(body, progress)))
    }
}

/// Ends when the server stops, and requests that were on their way by then have arrived.
async fn farewell(mut stop: watch::Receiver<bool>, patience: Duration) {
    // An error means that nobody is left who could say stop: that is one.
    let _ = stop.wait_for(|stop| *stop).await;
    sleep(patience).await;
}

/// Tells a client that it will not be served. Its request is awaited for a moment, for some clients take an answer
/// without a request for a fault.
pub async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let refusal = async {
        let _ = stream.read(&mut [0; DISCARD_BYTES]).await?;
        stream.write_all(fault::overloaded().as_bytes()).await?;
        stream.shutdown().await
    };
    if let Ok(Ok(())) = timeout(LINGER, refusal).await {
        discard(stream).await;
    }
}

/// Reads what still comes, until the client has seen the end of our side.
async fn discard<S: AsyncRead + Unpin>(mut stream: S) {
    let mut buffer = [0; DISCARD_BYTES];
    let all = async { while matches!(stream.read(&mut buffer).await, Ok(1..)) {} };
    let _ = timeout(LINGER, all).await;
}
