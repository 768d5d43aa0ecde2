//! What the service counts and measures. No metric carries an account or anything else of a caller.

mod figures;
mod observe;
mod process;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::MatchedPath;
use axum::http::{Extensions, Method};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use figures::StoreFigures;
use observe::Observer;
pub use process::descriptors_max;

use super::clock::now;

/// What a request did, in the extensions of its response.
///
/// What was done for a client that left before the answer is not counted: these figures are for watching, and the
/// ledger is for accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many cards were issued, one by one.
    CardsIssued(u64),
    /// A batch of so many cards was issued; the time of the request counts as that of the generation.
    BatchIssued(u64),
    /// Somebody tried to pay with a card, with this result: `completed`, or the refusal's code in lower case.
    /// Only literals, so that there are only so many.
    Redemption(&'static str),
}

/// A request was refused because of a wrong PIN. It stands beside an [`Event`] in the extensions of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinFailure;

/// All metrics of the process. Clones are the same metrics.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Histogram, Buckets>,
    connections_open: Family<ListenerLabel, Gauge>,
    connections_refused: Family<ListenerLabel, Counter>,
    cards_issued: Counter,
    batch_generation: Histogram,
    redemptions: Family<ResultLabel, Counter>,
    pin_failures: Counter,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// Upper bounds in seconds: from a read in memory to the patience of a client.
#[derive(Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        let ms = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
        Histogram::new(ms.map(|ms| Duration::from_millis(ms).as_secs_f64()))
    }
}

impl Metrics {
    /// Metrics of a program of this version. `store` is asked at each scrape and must not wait for a commit.
    pub fn new(version: &'static str, store: impl Fn() -> StoreFigures + Send + Sync + 'static) -> Self {
        let mut inner = Inner {
            registry: Registry::default(),
            requests: Family::new_with_constructor(Buckets),
            connections_open: Family::default(),
            connections_refused: Family::default(),
            cards_issued: Counter::default(),
            batch_generation: Buckets.new_metric(),
            redemptions: Family::default(),
            pin_failures: Counter::default(),
        };
        inner.register_http();
        inner.register_cards();
        let info = Info::new([("version", version)]);
        inner.registry.register("gavekort_build", "The program that runs", info);
        inner.registry.register_collector(Box::new(figures::Store::new(store)));
        inner.registry.register_collector(Box::new(process::Process));
        Self(Arc::new(inner))
    }

    /// Everything in OpenMetrics text.
    pub(super) fn page(&self) -> Result<String, fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.0.registry)?;
        Ok(page)
    }

    /// The layer that observes each request of a router.
    pub(super) fn observer(&self) -> Observer {
        Observer::new(self.clone())
    }

    /// Counts a connection as open until what is returned is dropped.
    pub(super) fn connection_open(&self, listener: &'static str) -> impl Drop + use<> {
        struct Open(Gauge);
        impl Drop for Open {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        let open = self.0.connections_open.get_or_create_owned(&ListenerLabel { listener });
        open.inc();
        Open(open)
    }

    pub(super) fn connection_refused(&self, listener: &'static str) {
        self.0.connections_refused.get_or_create(&ListenerLabel { listener }).inc();
    }

    fn request_ended(&self, method: &Method, route: Option<&MatchedPath>, status: u16, took: Duration) {
        let labels = RequestLabels {
            method: method_label(method),
            // The template, never the path: that would make a metric of each card.
            route: route.map_or("unmatched", MatchedPath::as_str).to_owned(),
            status,
        };
        self.0.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    fn count(&self, said: &Extensions, started: Instant) {
        match said.get::<Event>() {
            None => {}
            Some(Event::CardsIssued(cards)) => _ = self.0.cards_issued.inc_by(*cards),
            Some(Event::BatchIssued(cards)) => {
                self.0.cards_issued.inc_by(*cards);
                self.0.batch_generation.observe((now() - started).as_secs_f64());
            }
            Some(Event::Redemption(result)) => {
                self.0.redemptions.get_or_create(&ResultLabel { result }).inc();
            }
        }
        if said.get::<PinFailure>().is_some() {
            self.0.pin_failures.inc();
        }
    }
}

impl Inner {
    fn register_http(&mut self) {
        self.registry.register_with_unit(
            "http_server_request_duration",
            "From the complete header of a request to the head of its answer; 499 stands for a client that left",
            Unit::Seconds,
            self.requests.clone(),
        );
        self.registry.register(
            "http_server_connections_open",
            "Connections being served",
            self.connections_open.clone(),
        );
        self.registry.register(
            "http_server_connections_refused",
            "Connections beyond the bound, not served",
            self.connections_refused.clone(),
        );
    }

    fn register_cards(&mut self) {
        self.registry.register(
            "gavekort_cards_issued",
            "Cards issued, single and in batches",
            self.cards_issued.clone(),
        );
        self.registry.register_with_unit(
            "gavekort_batch_generation_duration",
            "Time to issue a batch",
            Unit::Seconds,
            self.batch_generation.clone(),
        );
        self.registry.register("gavekort_redemptions", "Tries to pay with a card", self.redemptions.clone());
        self.registry.register(
            "gavekort_pin_failures",
            "Requests refused because of a wrong PIN",
            self.pin_failures.clone(),
        );
    }
}

/// The method's name, of which a client could make up any number.
fn method_label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ];
    const NAMES: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.iter().position(|known| known == method).map_or("OTHER", |at| NAMES[at])
}
