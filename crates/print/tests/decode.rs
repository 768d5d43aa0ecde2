//! Every payload must come back from a reader that is not ours: `zbarimg` of Debian's zbar-tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use print::{Image, code128, qr};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Files a call of `zbarimg`: enough to make its start cheap, few enough to place a failure.
const FILES_PER_CALL: usize = 100;

/// The payloads of a strategy, the same in every run.
fn payloads(count: usize, strategy: impl Strategy<Value = String>) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let mut payload = || strategy.new_tree(&mut runner).expect("a payload").current();
    (0..count).map(|_| payload()).collect()
}

/// Card numbers, tokens with and without a prefix, web addresses and any printable text.
fn any_payload() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[0-9]{4,48}",
        2 => "(DINCARD:)?[A-Za-z0-9!#$%&*?-]{12,36}",
        1 => "https://shop\\.example/c/[0-9A-Z]{16,24}",
        1 => "([0-9]{1,9}|[A-Z]{1,3}|[a-z]{1,3}){2,12}",
        1 => "[!-~]{1,160}",
        // Spaces inside, also several; zbarimg's own output would not tell one at an end.
        1 => "[!-~]([ -~]{1,60}|[0-9 ]{1,40})[!-~]",
    ]
}

/// Draws all payloads into files, reads them with `zbarimg` and compares.
fn check(kind: &str, draw: fn(&str) -> Result<Image, print::PrintError>, payloads: &[String]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (call, payloads) in payloads.chunks(FILES_PER_CALL).enumerate() {
        let files: Vec<PathBuf> =
            (0..payloads.len()).map(|place| folder.path().join(format!("{call}-{place}.png"))).collect();
        for (file, payload) in files.iter().zip(payloads) {
            let image = draw(payload).expect("a payload that can be drawn");
            fs::write(file, image.png()).expect("room for an image");
        }
        assert_eq!(zbarimg(kind, &files), payloads, "{kind}, files from number {}", call * FILES_PER_CALL);
    }
}

/// What `zbarimg` reads, in the order of the files.
fn zbarimg(kind: &str, files: &[impl AsRef<Path>]) -> Vec<String> {
    let output = Command::new("zbarimg")
        .args(["-q", "--raw", "--nodbus", "-Sdisable", &format!("-S{kind}.enable")])
        .args(files.iter().map(AsRef::as_ref))
        .output()
        .expect("zbarimg is missing or cannot be started: run `cargo xtask test`, which installs it");
    let text = String::from_utf8(output.stdout).expect("ASCII payloads");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn zbarimg_reads_a_thousand_code128_payloads() {
    check("code128", code128, &payloads(1000, any_payload()));
}

#[test]
fn zbarimg_reads_two_hundred_qr_payloads() {
    check("qrcode", qr, &payloads(200, any_payload()));
}
