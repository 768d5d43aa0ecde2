//! HTTP by hand, for clients that misbehave.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::common::{ACCOUNT, Api, PATIENCE, Server};

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request line and the header lines, with the empty line.
    pub head: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// `POST`, below the account, with headers besides those that every request has.
    pub fn post(api: &Api, path: &str, headers: &[(&str, &str)], body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        let json = [("content-type", "application/json"), ("content-length", &body.len().to_string())];
        let head =
            Self::new("POST", &format!("/v1/accounts/{ACCOUNT}/{path}"), api, &[headers, &json].concat());
        Self { body, ..head }
    }

    /// `GET`, below the account.
    pub fn get(api: &Api, path: &str) -> Self {
        Self::new("GET", &format!("/v1/accounts/{ACCOUNT}/{path}"), api, &[])
    }

    fn new(method: &str, path: &str, api: &Api, headers: &[(&str, &str)]) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        head.push_str(&format!("authorization: Bearer {}\r\n", api.token));
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Self { head: head.into_bytes(), body: Vec::new() }
    }
}

/// A connection to the API.
pub struct Wire(TcpStream);

/// An answer's status, whether the server closes after it, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub is_last: bool,
    pub body: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub fn open(server: &Server) -> io::Result<Self> {
        let address: SocketAddr = server.url.trim_start_matches("http://").parse().expect("an address");
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// Sends bytes, a whole request or a part of one.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Asks and reads the answer.
    pub fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        self.send(&request.head)?;
        self.send(&request.body)?;
        self.receive()
    }

    /// Reads an answer, which must tell its length.
    pub fn receive(&mut self) -> io::Result<Reply> {
        let mut bytes = Vec::new();
        let end = loop {
            match bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more(&mut bytes)?,
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let length = header("content-length:").and_then(|length| length.parse::<usize>().ok());
        let (Some(status), Some(length)) = (status, length) else {
            return Err(io::Error::new(ErrorKind::InvalidData, head));
        };
        let is_last = header("connection:") == Some("close");
        let mut body = bytes.split_off(end + 4);
        while body.len() < length {
            self.more(&mut body)?;
        }
        Ok(Reply { status, is_last, body })
    }

    /// Waits until the server closes; answers everything that it still sent.
    pub fn end(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// Hangs up, as a client does that is gone.
    pub fn hang_up(self) {
        // It fails where the server was faster.
        let _closed = self.0.shutdown(Shutdown::Both);
    }

    /// From now on waits no longer than this for bytes.
    pub fn wait_at_most(&self, time: Duration) {
        self.0.set_read_timeout(Some(time)).expect("a time");
    }

    /// Reads what comes next; the end of the connection is an error.
    pub fn more(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut buffer = [0; 16_384];
        match self.0.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                bytes.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}
