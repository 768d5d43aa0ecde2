//! Over real connections: bodies in pieces, and clients that do not wait.

use std::net::SocketAddr;
use std::task::{Context, Waker};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use web::api::ApiSettings;

use crate::world::{AID, Call, World};

fn head(admin: &str, path: &str, more: &str) -> String {
    format!(
        "POST /v1/accounts/{AID}/{path} HTTP/1.1\r\nHost: cards.example\r\nConnection: close\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {admin}\r\n{more}\r\n"
    )
}

fn chunk(bytes: &str) -> String {
    format!("{:x}\r\n{bytes}\r\n", bytes.len())
}

/// Whatever comes back until the server closes. A refusal may come before everything was sent.
async fn exchange(address: SocketAddr, pieces: impl IntoIterator<Item = String>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let (mut reading, mut writing) = stream.split();
    let send = async {
        for piece in pieces {
            if writing.write_all(piece.as_bytes()).await.is_err() {
                break;
            }
        }
    };
    let mut answer = Vec::new();
    let (_, read) = tokio::join!(send, reading.read_to_end(&mut answer));
    assert!(read.is_ok() || !answer.is_empty(), "{read:?}");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let world = World::new().await;
    let (address, admin) = (world.address().await, world.admin().await);
    let body = json!({"cards": [{"card_id": "in-chunks"}]}).to_string();
    let mut pieces = vec![head(&admin, "wallets/cards/batch", "Transfer-Encoding: chunked\r\n")];
    pieces.extend(body.as_bytes().chunks(7).map(|bytes| chunk(std::str::from_utf8(bytes).expect("ASCII"))));
    pieces.push(chunk(""));
    let answer = exchange(address, pieces).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"card_id\":\"in-chunks\""), "{answer}");
}

#[tokio::test]
async fn a_body_in_chunks_is_bounded_too() {
    let world = World::new().await;
    let (address, admin) = (world.address().await, world.admin().await);
    let mut pieces = vec![head(&admin, "wallets/cards/batch", "Transfer-Encoding: chunked\r\n")];
    pieces.extend((0..5 * 16).map(|_| chunk(&" ".repeat(1 << 16))));
    pieces.push(chunk(""));
    let answer = exchange(address, pieces).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"code\":\"BODY_TOO_LARGE\""), "{answer}");
}

#[tokio::test]
async fn bodies_beyond_the_room_for_all_of_them_are_told_to_come_later() {
    let world = World::new().await;
    let (address, admin) = (world.address().await, world.admin().await);
    let probe = async || {
        let body = json!({"card_id": "small", "amount": 1, "currency": "NOK"}).to_string();
        let head = head(&admin, "wallets/cards", &format!("Content-Length: {}\r\n", body.len()));
        exchange(address, [head, body]).await
    };
    // Each of them as large as one may be, and none of them at its end: sixteen fill the room.
    let mut slow = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let head = head(&admin, "wallets/cards/batch", "Transfer-Encoding: chunked\r\n");
        stream.write_all(format!("{head}{}", chunk(&" ".repeat(4 << 20))).as_bytes()).await.expect("sent");
        slow.push(stream);
    }
    let until = async |is_full: bool| loop {
        let answer = probe().await;
        if answer.starts_with("HTTP/1.1 503 ") == is_full {
            return answer;
        }
    };
    let patience = Duration::from_secs(60);
    let refused = tokio::time::timeout(patience, until(true)).await.expect("no room");
    assert!(refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    assert!(refused.contains(r#""code":"OVERLOADED","errors":[{"code":"OVERLOADED""#), "{refused}");
    slow.pop();
    tokio::time::timeout(patience, until(false)).await.expect("room again");
}

#[tokio::test]
async fn what_was_begun_is_ended_although_nobody_waits_for_it() {
    const CLIENTS: usize = 20;
    let world = World::within(ApiSettings::default()).await;
    let admin = world.admin().await;
    for number in 0..CLIENTS {
        let body = json!({"card_id": format!("gone-{number}"), "amount": 1, "currency": "NOK"});
        let call = Call::post("wallets/cards", &body).bearer(&admin);
        let router = world.router();
        let mut answer = Box::pin(crate::world::send_to(&router, call));
        let begun = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(begun.is_pending());
    }
    let all_there = async {
        for number in 0..CLIENTS {
            let path = format!("wallets/cards/gone-{number}");
            while world.send(Call::get(&path).bearer(&admin)).await.status != 200 {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_there).await.expect("every card is made");
}

#[tokio::test]
async fn clients_that_hang_up_leave_whole_cards_or_none() {
    let world = World::new().await;
    let (address, admin) = (world.address().await, world.admin().await);
    for number in 0..20 {
        let body = json!({"card_id": format!("gone-{number}"), "amount": 1, "currency": "NOK"}).to_string();
        let head = head(&admin, "wallets/cards", &format!("Content-Length: {}\r\n", body.len()));
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(format!("{head}{body}").as_bytes()).await.expect("sent");
    }
    let body = json!({"card_id": "stays", "amount": 1, "currency": "NOK"}).to_string();
    let head = head(&admin, "wallets/cards", &format!("Content-Length: {}\r\n", body.len()));
    let answer = exchange(address, [head, body]).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let page = world.send(Call::get("wallets/cards?limit=100").bearer(&admin)).await.ok();
    for card in page["cards"].as_array().expect("cards") {
        assert_eq!((&card["amount_available"], &card["status"]), (&json!(1), &json!("unused")));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_makes_nothing() {
    let world = World::new().await;
    let (address, admin) = (world.address().await, world.admin().await);
    let body = json!({"card_id": "half", "amount": 1, "currency": "NOK"}).to_string();
    let head = head(&admin, "wallets/cards", &format!("Content-Length: {}\r\n", body.len() + 1));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("sent");
    stream.shutdown().await.expect("closed");
    let mut answer = Vec::new();
    let _closed = stream.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    let read = world.send(Call::get("wallets/cards/half").bearer(&admin)).await;
    assert_eq!(read.refusal(), (404, "CARD_NOT_FOUND".into()));
}
