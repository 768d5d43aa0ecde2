//! Many durations as a few figures.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// One minute: whatever takes longer has failed before.
const LONGEST_NS: u64 = 60_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Durations of one kind of work.
pub struct Timings(Histogram<u64>);

impl Timings {
    pub fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, LONGEST_NS, SIGNIFICANT_DIGITS)?))
    }

    pub fn add(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub fn median_ms(&self) -> f64 {
        self.quantile_ms(0.5)
    }

    pub fn p90_ms(&self) -> f64 {
        self.quantile_ms(0.9)
    }

    pub fn p99_ms(&self) -> f64 {
        self.quantile_ms(0.99)
    }

    pub fn p999_ms(&self) -> f64 {
        self.quantile_ms(0.999)
    }

    pub fn longest_ms(&self) -> f64 {
        self.quantile_ms(1.0)
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        Duration::from_nanos(self.0.value_at_quantile(quantile)).as_secs_f64() * 1e3
    }
}
