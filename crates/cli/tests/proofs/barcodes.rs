//! The pictures of a batch, read back by a reader that is not ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::Server;

const CARDS: usize = 1_000;
const MISSING: &str = "zbarimg is missing or cannot be started: run `cargo xtask test`, which installs it";

/// Files a call of `zbarimg`: enough to make its start cheap, few enough for a command line.
const FILES_PER_CALL: usize = 250;

/// The pictures of one kind, and what they are to say.
struct Pictures {
    kind: &'static str,
    files: Vec<PathBuf>,
    values: Vec<String>,
}

impl Pictures {
    /// Takes one field of each card and writes its pictures to files.
    fn new(folder: &Path, cards: &[Value], pointer: &str, field: &str, kind: &'static str) -> Self {
        let mut pictures = Self { kind, files: Vec::new(), values: Vec::new() };
        for (place, card) in cards.iter().enumerate() {
            let shown = card.pointer(pointer).expect("a secret");
            let text = |name: &str| shown[name].as_str().expect("text").to_owned();
            let picture = text(field);
            let base64 = picture.strip_prefix("data:image/png;base64,").expect("a PNG as a data URL");
            let file = folder.join(format!("{}-{kind}-{place}.png", pointer.replace('/', "-")));
            fs::write(&file, STANDARD.decode(base64).expect("base64")).expect("room for a picture");
            pictures.files.push(file);
            pictures.values.push(text("value"));
        }
        pictures
    }

    /// Fails the test unless each says its value and nothing else.
    fn check(&self) {
        for (files, values) in self.files.chunks(FILES_PER_CALL).zip(self.values.chunks(FILES_PER_CALL)) {
            let mut zbarimg = Command::new("zbarimg");
            zbarimg.args(["-q", "--raw", "--nodbus", "-Sdisable", &format!("-S{}.enable", self.kind)]);
            let output = zbarimg.args(files).output().expect(MISSING);
            let text = String::from_utf8(output.stdout).expect("ASCII");
            assert_eq!(text.lines().collect::<Vec<_>>(), values, "{}", self.kind);
        }
    }
}

#[test]
fn every_barcode_and_qr_code_of_a_batch_says_its_secret() {
    let server = Server::start();
    let cards: Vec<Value> = (0..CARDS).map(|place| json!({"card_id": format!("card-{place}")})).collect();
    let pictures = json!({"barcode": true, "qr": true});
    // PINs of letters and digits too: a wrong order of code sets shows in them first.
    let pin = json!({"length": 8, "numbers": true, "characters": true, "barcode": true, "qr": true});
    let body =
        json!({"cards": cards, "options": {"pin": {"format": pin}, "card_token": {"format": pictures}}});
    let made = server.api().post("wallets/cards/batch", &body).ok();
    let cards = made["cards"].as_array().expect("cards");
    assert_eq!(cards.len(), CARDS);
    let folder = TempDir::new().expect("a folder");
    let of = |pointer, field, kind| Pictures::new(folder.path(), cards, pointer, field, kind);
    let all = [
        of("/pin/pin", "barcode_128", "code128"),
        of("/pin/pin", "qr", "qrcode"),
        of("/card_token/token", "barcode_128", "code128"),
        of("/card_token/token", "qr", "qrcode"),
    ];
    thread::scope(|threads| {
        for pictures in &all {
            threads.spawn(|| pictures.check());
        }
    });
}
