//! Secrets that are looked for, in every form in which one might come to light.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter ones would be found by chance.
const BYTES_MIN: usize = 12;

/// The search looks up this many bytes first.
const LOOKED_UP: usize = 8;

/// Secrets, each with what it is.
#[derive(Clone, Debug, Default)]
pub struct Canaries(Vec<(String, Vec<u8>)>);

/// A form of a secret.
struct Needle {
    name: String,
    bytes: Vec<u8>,
}

impl Canaries {
    /// Looks for this one too.
    #[track_caller]
    pub fn add(&mut self, what: &str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref().to_vec();
        assert!(secret.len() >= BYTES_MIN, "{what} is too short to be looked for");
        self.0.push((what.to_owned(), secret));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What of them is in which of these places, and in which form.
    pub fn found_in<P: AsRef<str>, B: AsRef<[u8]>>(&self, places: &[(P, B)]) -> Vec<String> {
        let needles: Vec<Needle> = self.0.iter().flat_map(|(what, secret)| forms(what, secret)).collect();
        let mut by_start = HashMap::<&[u8], Vec<&Needle>>::new();
        for needle in &needles {
            by_start.entry(&needle.bytes[..LOOKED_UP]).or_default().push(needle);
        }
        let mut found = Vec::new();
        for (place, bytes) in places {
            let (place, bytes) = (place.as_ref(), bytes.as_ref());
            for (at, start) in bytes.windows(LOOKED_UP).enumerate() {
                let Some(needles) = by_start.get(start) else { continue };
                let here = needles.iter().filter(|needle| bytes[at..].starts_with(&needle.bytes));
                found.extend(here.map(|needle| format!("{place}: {} at {at}", needle.name)));
            }
        }
        found
    }
}

/// A secret as it is, and as programs write bytes and texts down.
fn forms(what: &str, secret: &[u8]) -> Vec<Needle> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    let mut forms = vec![
        ("plain", secret.to_vec()),
        ("hex", hex.clone().into_bytes()),
        ("upper-case hex", hex.to_ascii_uppercase().into_bytes()),
        ("URL-encoded", url_encoded(secret).into_bytes()),
        ("lower-case URL-encoded", lower_case_escapes(&url_encoded(secret)).into_bytes()),
        ("a list of bytes", list.trim_matches(['[', ']']).as_bytes().to_vec()),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = serde_json::to_string(text).expect("text");
        let debug = format!("{text:?}");
        forms.push(("JSON", json.as_bytes()[1..json.len() - 1].to_vec()));
        forms.push(("debug", debug.as_bytes()[1..debug.len() - 1].to_vec()));
    }
    // Base64 of a longer text in which the secret stands, as in an Authorization header, begins at any third byte.
    for offset in 0..3 {
        forms.push(("base64", inner_base64(&STANDARD_NO_PAD, secret, offset)));
        forms.push(("URL-safe base64", inner_base64(&URL_SAFE_NO_PAD, secret, offset)));
    }
    forms.push(("whole base64", STANDARD.encode(secret).into_bytes()));
    forms.sort_by(|one, other| one.1.cmp(&other.1));
    forms.dedup_by(|one, other| one.1 == other.1);
    forms.into_iter().map(|(form, bytes)| Needle { name: format!("{what} ({form})"), bytes }).collect()
}

/// The part of the base64 of `offset` bytes and the secret that depends on the secret alone.
fn inner_base64(engine: &impl base64::Engine, secret: &[u8], offset: usize) -> Vec<u8> {
    let encoded = engine.encode([&vec![0; offset], secret].concat()).into_bytes();
    let (first, last) = ((offset * 8).div_ceil(6), (offset + secret.len()) * 8 / 6);
    encoded[first..last].to_vec()
}

fn url_encoded(secret: &[u8]) -> String {
    let encoded = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    secret.iter().map(encoded).collect()
}

fn lower_case_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "%" + &part[..2].to_ascii_lowercase() + &part[2..])
}

#[test]
fn the_search_finds_a_secret_in_every_form_and_nothing_else() {
    let secret = "a \"secret\"/with+more\\than%one é";
    let mut canaries = Canaries::default();
    canaries.add("planted", secret);
    let planted: [&[u8]; 10] = [
        secret.as_bytes(),
        serde_json::json!({"a": secret}).to_string().as_bytes(),
        format!("{:?}", Some(secret)).as_bytes(),
        format!("{:?}", secret.as_bytes()).as_bytes(),
        STANDARD.encode(secret).as_bytes(),
        STANDARD.encode(format!("client:{secret} and more")).as_bytes(),
        URL_SAFE_NO_PAD.encode(format!("a{secret}")).as_bytes(),
        url_encoded(secret.as_bytes()).as_bytes(),
        lower_case_escapes(&url_encoded(secret.as_bytes())).as_bytes(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect::<String>().as_bytes(),
    ]
    .map(|form| Vec::leak([b"before ", form, b" after"].concat()) as &[u8]);
    for form in planted {
        assert!(!canaries.found_in(&[("", form)]).is_empty(), "{}", String::from_utf8_lossy(form));
    }
    let other = secret.replace("one", "two");
    assert_eq!(canaries.found_in(&[("", &other), ("", &STANDARD.encode(&other))]), [""; 0]);
}
