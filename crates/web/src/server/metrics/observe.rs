//! The layer around every handler: it measures, and answers for a body that came too late.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use tower::{Layer, Service};

use super::Metrics;
use crate::server::clock::now;
use crate::server::connection::OnConnection;
use crate::server::fault;

/// What an answer that nobody waited for is counted as.
const CLIENT_LEFT: u16 = 499;

/// The layer.
#[derive(Clone)]
pub struct Observer {
    metrics: Metrics,
}

/// A handler with the layer around it.
#[derive(Clone)]
pub struct Observed<S> {
    handler: S,
    metrics: Metrics,
}

impl Observer {
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics }
    }
}

impl<S> Layer<S> for Observer {
    type Service = Observed<S>;

    fn layer(&self, handler: S) -> Observed<S> {
        Observed { handler, metrics: self.metrics.clone() }
    }
}

impl<S> Service<Request> for Observed<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.handler.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let mut observation = Observation {
            metrics: self.metrics.clone(),
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            started: now(),
            status: CLIENT_LEFT,
        };
        let connection = request.extensions().get::<OnConnection>().cloned();
        let answer = self.handler.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            // Whatever the handler made of a body that broke off, the client shall know why it did.
            if connection.is_some_and(|OnConnection(progress)| progress.is_reader_told()) {
                response = fault::into_request_timeout(response);
            }
            observation.status = response.status().as_u16();
            observation.metrics.count(response.extensions(), observation.started);
            Ok(response)
        })
    }
}

/// A request being observed, told to the metrics when it ends, however it ends.
struct Observation {
    metrics: Metrics,
    method: Method,
    route: Option<MatchedPath>,
    started: Instant,
    status: u16,
}

impl Drop for Observation {
    fn drop(&mut self) {
        let took = now() - self.started;
        self.metrics.request_ended(&self.method, self.route.as_ref(), self.status, took);
    }
}
