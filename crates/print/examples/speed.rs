//! Measures how long drawing takes: `cargo run --release --package print --example speed`.
#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::hint::black_box;
use std::time::Instant;

use print::{Image, PrintError, code128, qr};

const ROUNDS: usize = 2_000;
const REPEATS: usize = 9;
const PAYLOADS: [&str; 4] = [
    "1234567890123456",
    "0123456789ABCDEFGHJK",
    "DINCARD:7Kq9#mR2xWv4?Zt8Lp3!Ns6Yb1Hd5Fg0CjQe",
    "https://shop.example/c/12345678901234567890",
];

fn main() -> Result<(), PrintError> {
    for payload in PAYLOADS {
        println!("{payload} ({} characters)", payload.len());
        measure("code128", code128, payload)?;
        measure("qr", qr, payload)?;
    }
    Ok(())
}

/// Prints the median over several batches, each written into one text as a batch call does.
fn measure(name: &str, draw: fn(&str) -> Result<Image, PrintError>, payload: &str) -> Result<(), PrintError> {
    let mut batches_us = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let mut out = String::new();
        let start = Instant::now();
        for _ in 0..ROUNDS {
            draw(black_box(payload))?.write_data_uri(&mut out);
        }
        batches_us.push(start.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64);
        black_box(out);
    }
    batches_us.sort_by(f64::total_cmp);
    let image = draw(payload)?;
    let (png_bytes, uri_chars) = (image.png().len(), image.data_uri().len());
    let median_us = batches_us[REPEATS / 2];
    println!("  {name:8} {median_us:6.1} µs  PNG {png_bytes} bytes  data URI {uri_chars} characters");
    Ok(())
}
