//! Which card a till serves next, and under which reference.

/// A generator that costs nothing and comes out the same in each run (xorshift64*).
pub struct Pick(u64);

/// Ids of cards that count up.
#[derive(Clone, Copy)]
pub struct CardIds {
    pub count: usize,
    /// Whether a batch's number has seven digits, as in the filled database.
    pub are_filled: bool,
}

/// Cards of one batch.
const BATCH: usize = crate::turns::BATCH;

impl Pick {
    pub fn new(seed: u64) -> Self {
        // 0 would stay 0.
        Self(seed | 1 << 63)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(high).expect("32 bits") % end
    }
}

impl CardIds {
    pub fn card_id(self, place: usize) -> String {
        let (batch, card) = (place / BATCH, place % BATCH);
        if self.are_filled {
            format!("FILL-{batch:07}-{card:04}")
        } else {
            format!("BENCH-{batch:06}-{card:04}")
        }
    }
}

/// The n-th reference; as long as a receipt's number.
pub fn ref_id(n: u64) -> String {
    format!("receipt-{n:012}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_comes_up_about_as_often() {
        let mut pick = Pick::new(7);
        let mut times = [0_u32; 10];
        (0..100_000).for_each(|_| times[pick.below(10)] += 1);
        assert!(times.iter().all(|times| (9_500..10_500).contains(times)), "{times:?}");
    }
}
