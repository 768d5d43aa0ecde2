//! Access tokens that were not made by this server, or are not what they seem.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Mode, Timestamp};
use serde_json::{Value, json};
use store::SigningKey;

use crate::world::{AID, Answer, Call, World, audience};

const KID: &str = "test-key";
const OTHER_MODE_KID: &str = "other-mode";

/// A server that trusts keys which this test holds.
struct Forge {
    world: World,
    key: RsaKeyPair,
    other_mode_key: RsaKeyPair,
    client: String,
    now: i64,
}

impl Forge {
    async fn new() -> Self {
        let world = World::new().await;
        let (client, _, _) = world.client(&["read:wallets"]).await;
        let now = world.clock.unix_seconds();
        let (key, other_mode_key) = (new_key(), new_key());
        for (key, kid, mode) in [(&key, KID, Mode::Test), (&other_mode_key, OTHER_MODE_KID, Mode::Production)]
        {
            trust(&world, key, kid, mode).await;
        }
        Self { world, key, other_mode_key, client, now }
    }

    fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": "RS256", "kid": KID})
    }

    fn claims(&self) -> Value {
        json!({
            "iss": format!("https://{AID}@cards.example"),
            "aud": audience(AID),
            "sub": self.client,
            "client_id": "till",
            "scope": "read:wallets",
            "iat": self.now,
            "nbf": self.now,
            "exp": self.now + 14_400,
            "jti": "5f1c7f0e-8a52-4d0b-9c3e-2d1f6a7b8c90",
            "gen": 2,
        })
    }

    /// A well-formed token but for the changes to its header and its claims; `null` takes a field away.
    fn token(&self, header: Value, claims: Value) -> String {
        let text = |base: Value, change: Value| merged(base, change).to_string();
        self.signed(&text(self.header(), header), &text(self.claims(), claims))
    }

    fn signed(&self, header: &str, claims: &str) -> String {
        signed_by(&self.key, &RSA_PKCS1_SHA256, header, claims)
    }

    async fn read(&self, authorization: &str) -> Answer {
        self.world.send(Call::get("wallets/cards").header("authorization", authorization)).await
    }
}

fn new_key() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")
}

async fn trust(world: &World, key: &RsaKeyPair, kid: &str, mode: Mode) {
    let now = Timestamp::try_from(world.clock.unix_seconds() * 1_000).expect("a time");
    let row = SigningKey {
        kid: kid.to_owned(),
        mode,
        issuer_host: "cards.example".to_owned(),
        public_der: key.public_key().as_ref().to_vec(),
        sealed_private: None,
        key_version: 1,
        created_at: now,
        verifies_until: None,
    };
    assert!(world.store().put_signing_key(&row, now.plus_seconds(86_400), now, None).await.expect("kept"));
}

fn signed_by(key: &RsaKeyPair, padding: &'static dyn RsaEncoding, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("a signature");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn merged(mut base: Value, change: Value) -> Value {
    let fields = base.as_object_mut().expect("an object");
    for (name, value) in change.as_object().expect("an object") {
        match value {
            Value::Null => fields.shift_remove(name),
            value => fields.insert(name.clone(), value.clone()),
        };
    }
    base
}

/// Headers that no token of ours has.
fn headers(forge: &Forge) -> Vec<(&'static str, String)> {
    let with = |header| forge.token(header, json!({}));
    vec![
        ("no typ", with(json!({"typ": null}))),
        ("typ of another kind", with(json!({"typ": "at+jwt"}))),
        ("typ in small letters", with(json!({"typ": "jwt"}))),
        ("no alg", with(json!({"alg": null}))),
        ("alg none", with(json!({"alg": "none"}))),
        ("alg None", with(json!({"alg": "None"}))),
        ("alg HS256", with(json!({"alg": "HS256"}))),
        ("alg RS384", with(json!({"alg": "RS384"}))),
        ("alg PS256", with(json!({"alg": "PS256"}))),
        ("alg ES256", with(json!({"alg": "ES256"}))),
        ("alg as a list", with(json!({"alg": ["RS256"]}))),
        ("no kid", with(json!({"kid": null}))),
        ("unknown kid", with(json!({"kid": "nobody"}))),
        ("kid of a path", with(json!({"kid": "../../../../dev/null"}))),
        ("kid of SQL", with(json!({"kid": "' OR '1'='1"}))),
        ("kid with a NUL", with(json!({"kid": "test-key\u{0}"}))),
        ("kid of a number", with(json!({"kid": 1}))),
        ("crit", with(json!({"crit": ["exp"]}))),
        ("jwk", with(json!({"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}))),
        ("jku", with(json!({"jku": "https://elsewhere.example/keys"}))),
        ("x5u", with(json!({"x5u": "https://elsewhere.example/cert"}))),
        ("x5c", with(json!({"x5c": ["MIIB"]}))),
        ("b64", with(json!({"b64": false}))),
        ("zip", with(json!({"zip": "DEF"}))),
        ("cty", with(json!({"cty": "JWT"}))),
    ]
}

/// Claims that no token of ours makes for this account.
fn claims(forge: &Forge) -> Vec<(&'static str, String)> {
    let with = |claims| forge.token(json!({}), claims);
    let now = forge.now;
    vec![
        ("no iss", with(json!({"iss": null}))),
        ("another iss", with(json!({"iss": "https://T12345678@elsewhere.example"}))),
        ("iss of another account", with(json!({"iss": "https://T87654321@cards.example"}))),
        ("no aud", with(json!({"aud": null}))),
        ("aud as a list", with(json!({"aud": [audience(AID)]}))),
        ("aud of nothing", with(json!({"aud": "https://cards.example/"}))),
        ("aud of the other mode", with(json!({"aud": audience("P12345678")}))),
        ("empty aud", with(json!({"aud": ""}))),
        ("no sub", with(json!({"sub": null}))),
        ("sub of nobody", with(json!({"sub": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"}))),
        ("sub that is no id", with(json!({"sub": "admin"}))),
        ("no exp", with(json!({"exp": null}))),
        ("exp as text", with(json!({"exp": (now + 60).to_string()}))),
        ("exp as float", forge.signed(&forge.header().to_string(), &float(forge, "exp", 14_400))),
        ("exp in the past", with(json!({"exp": now - 1}))),
        ("exp of this second", with(json!({"exp": now}))),
        ("exp beyond the longest life", with(json!({"exp": now + 14_401}))),
        ("exp of ever", with(json!({"exp": i64::MAX}))),
        ("negative exp", with(json!({"exp": -1}))),
        ("no nbf", with(json!({"nbf": null}))),
        ("nbf as text", with(json!({"nbf": now.to_string()}))),
        ("nbf as float", forge.signed(&forge.header().to_string(), &float(forge, "nbf", 0))),
        ("nbf ahead", with(json!({"nbf": now + 60}))),
        ("no iat", with(json!({"iat": null}))),
        ("iat ahead", with(json!({"iat": now + 60, "nbf": now + 60, "exp": now + 120}))),
        ("no scope", with(json!({"scope": null}))),
        ("unknown scope", with(json!({"scope": "read:everything"}))),
        ("scope as a list", with(json!({"scope": ["read:wallets"]}))),
        ("no gen", with(json!({"gen": null}))),
        ("gen of before", with(json!({"gen": 1}))),
        ("gen to come", with(json!({"gen": 3}))),
        ("negative gen", with(json!({"gen": -1}))),
        ("no jti", with(json!({"jti": null}))),
        ("no client_id", with(json!({"client_id": null}))),
        ("a claim more", with(json!({"admin": true}))),
        ("a claim twice", forge.signed(&forge.header().to_string(), &twice(forge))),
    ]
}

fn float(forge: &Forge, claim: &str, after: i64) -> String {
    let whole = format!("\"{claim}\":{}", forge.now + after);
    forge.claims().to_string().replace(&whole, &format!("{whole}.0"))
}

fn twice(forge: &Forge) -> String {
    forge.claims().to_string().replacen('{', "{\"scope\":\"admin:wallets\",", 1)
}

/// Tokens whose signature is not that of the key they name.
fn signatures(forge: &Forge) -> Vec<(&'static str, String)> {
    let good = forge.token(json!({}), json!({}));
    let (message, signature) = good.rsplit_once('.').expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let flipped = |byte: usize| {
        let mut bytes = bytes.clone();
        bytes[byte] ^= 1;
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(bytes))
    };
    let (header, claims) = (forge.header().to_string(), forge.claims().to_string());
    let hs256 = |secret: &[u8]| {
        let header = header.replace("RS256", "HS256");
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let public = forge.key.public_key();
    let spki = public.as_der().expect("a public key");
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(spki.as_ref()));
    let none = |alg: &str| {
        let header = header.replace("RS256", alg);
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&claims))
    };
    let other_mode = header.replace(KID, OTHER_MODE_KID);
    vec![
        ("alg none without a signature", none("none")),
        ("alg None without a signature", none("None")),
        ("RS256 without a signature", none("RS256")),
        ("HS256 with the public key", hs256(public.as_ref())),
        ("HS256 with the public key as SPKI", hs256(spki.as_ref())),
        ("HS256 with the public key as PEM", hs256(pem.as_bytes())),
        ("HS256 with nothing", hs256(b"")),
        ("first bit of the signature", flipped(0)),
        ("a middle bit of the signature", flipped(100)),
        ("last bit of the signature", flipped(bytes.len() - 1)),
        ("a key nobody trusts", signed_by(&new_key(), &RSA_PKCS1_SHA256, &header, &claims)),
        ("PSS", signed_by(&forge.key, &RSA_PSS_SHA256, &header, &claims)),
        ("the other mode's key", signed_by(&forge.other_mode_key, &RSA_PKCS1_SHA256, &other_mode, &claims)),
        ("the other mode's signature", signed_by(&forge.other_mode_key, &RSA_PKCS1_SHA256, &header, &claims)),
        ("padded signature", format!("{good}==")),
        ("padded header", good.replacen('.', "=.", 1)),
        ("signature of zeros", format!("{message}.{}", URL_SAFE_NO_PAD.encode(vec![0; bytes.len()]))),
        ("a part less", message.to_owned()),
        ("a part more", format!("{good}.e30")),
        ("an encrypted one", "e30.e30.e30.e30.e30".to_owned()),
        ("claims changed after signing", good.replacen("eyJpc3Mi", "eyJpc3Ni", 1)),
    ]
}

/// Headers that hold no token at all, or not as they should.
fn authorizations(good: &str) -> Vec<(&'static str, String)> {
    vec![
        ("nothing behind the scheme", "Bearer".to_owned()),
        ("a blank behind the scheme", "Bearer ".to_owned()),
        ("blanks behind the scheme", "Bearer    ".to_owned()),
        ("two tokens", format!("Bearer {good} {good}")),
        ("a comma", format!("Bearer {good},")),
        ("quotes", format!("Bearer \"{good}\"")),
        ("no scheme", good.to_owned()),
        ("another scheme", format!("Basic {good}")),
        ("DPoP", format!("DPoP {good}")),
        ("a tab for a blank", format!("Bearer\t{good}")),
        ("text", "Bearer x".to_owned()),
        ("lower case and text", "bearer x".to_owned()),
        ("dots", "Bearer ..".to_owned()),
        ("a megabyte", format!("Bearer {}", "a".repeat(1 << 20))),
        ("a megabyte behind a token", format!("Bearer {good}{}", "A".repeat(1 << 20))),
        ("not base64url", "Bearer !!!.???.***".to_owned()),
        ("empty objects", "Bearer e30.e30.e30".to_owned()),
    ]
}

#[tokio::test]
async fn every_forged_token_gets_the_one_refusal() {
    let forge = Forge::new().await;
    let good = forge.token(json!({}), json!({}));
    forge.read(&format!("Bearer {good}")).await.ok();
    let bearer = |(why, token): (&'static str, String)| (why, format!("Bearer {token}"));
    let mut forged: Vec<(&str, String)> =
        [headers(&forge), claims(&forge), signatures(&forge)].concat().into_iter().map(bearer).collect();
    forged.extend(authorizations(&good));
    assert!(forged.len() >= 90, "{}", forged.len());
    let without = forge.world.send(Call::get("wallets/cards")).await;
    for (why, authorization) in forged {
        let answer = forge.read(&authorization).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".into()), "{why}");
        assert_eq!(answer.bytes, without.bytes, "{why}");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{why}");
    }
    forge.read(&format!("Bearer {good}")).await.ok();
}

#[tokio::test]
async fn two_authorizations_are_none() {
    let forge = Forge::new().await;
    let good = forge.token(json!({}), json!({}));
    let call = Call::get("wallets/cards").bearer(&good).bearer(&good);
    assert_eq!(forge.world.send(call).await.refusal().0, 401);
}

#[tokio::test]
async fn the_schemes_name_may_be_written_in_any_case() {
    let forge = Forge::new().await;
    let good = forge.token(json!({}), json!({}));
    forge.read(&format!("bearer {good}")).await.ok();
    forge.read(&format!("BEARER {good}")).await.ok();
}
