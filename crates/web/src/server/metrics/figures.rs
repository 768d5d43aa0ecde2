//! Figures that the store keeps, read when somebody asks.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// How busy the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Orders that wait to be committed.
    pub queued_orders: u64,
    /// Groups committed since the start.
    pub commits_total: u64,
    /// Orders answered from a commit since the start.
    pub orders_total: u64,
    /// Bytes of the write-ahead log; absent where the store keeps none of its own.
    pub wal_bytes: Option<u64>,
}

/// Asks for the figures at each scrape.
pub struct Store<F>(F);

impl<F> Store<F> {
    pub fn new(figures: F) -> Self {
        Self(figures)
    }
}

impl<F> fmt::Debug for Store<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl<F: Fn() -> StoreFigures + Send + Sync + 'static> Collector for Store<F> {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let figures = (self.0)();
        let commits = ConstCounter::new(figures.commits_total);
        put(&mut encoder, "gavekort_store_commits", "Groups of orders committed.", None, &commits)?;
        let orders = ConstCounter::new(figures.orders_total);
        put(&mut encoder, "gavekort_store_orders", "Orders answered from a commit.", None, &orders)?;
        let queued = gauge(figures.queued_orders);
        put(
            &mut encoder,
            "gavekort_store_orders_queued",
            "Orders that wait to be committed.",
            None,
            &queued,
        )?;
        if let Some(bytes) = figures.wal_bytes {
            let help = "The write-ahead log.";
            put(&mut encoder, "gavekort_store_wal", help, Some(&Unit::Bytes), &gauge(bytes))?;
        }
        Ok(())
    }
}

/// Writes one metric that exists for this scrape only.
pub fn put(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

/// A gauge of a count.
pub fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}
