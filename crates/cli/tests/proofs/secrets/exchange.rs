//! Requests of any shape, through either door, with the whole answer as it came over the wire.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::common::{PATIENCE, Server};

/// Which way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The API.
    Public,
    /// The operator's socket.
    Operator,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer as it came, head and body.
#[derive(Clone, Debug)]
pub struct Answered {
    pub status: u16,
    pub bytes: Vec<u8>,
}

impl Call {
    /// A request without a body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a body that says to be JSON.
    pub fn json(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }.header("content-type", "application/json")
    }

    /// Sends it and reads the answer to its end.
    pub fn send(&self, server: &Server, door: Door) -> io::Result<Answered> {
        match door {
            Door::Public => {
                let stream = TcpStream::connect(server.url.trim_start_matches("http://"))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                self.talk(stream)
            }
            Door::Operator => {
                let stream = UnixStream::connect(server.data().join("gavekort.sock"))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                self.talk(stream)
            }
        }
    }

    fn talk(&self, mut stream: impl Read + Write) -> io::Result<Answered> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", self.method, self.path);
        head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        self.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        // A server that refuses a body need not read all of it.
        let sent = stream.write_all(&self.body);
        let mut bytes = Vec::new();
        let received = stream.read_to_end(&mut bytes);
        let status = bytes.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
        match status {
            Some(status) => Ok(Answered { status, bytes }),
            None => Err(sent.and(received.map(|_| ())).err().unwrap_or(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

impl Answered {
    /// The body of a request that was carried out.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.bytes));
        let body = self.bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
        serde_json::from_slice(&self.bytes[body..]).expect("JSON")
    }
}
