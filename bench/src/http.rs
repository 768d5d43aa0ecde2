//! A client that costs next to nothing: HTTP/1.1 over one connection that is kept open.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// Longer than any answer may take, so that a server that hangs ends the run.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The first read; a body that has more to come is read in one piece as far as its length is known.
const HEAD_BYTES: usize = 64 * 1_024;

/// One connection.
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    sent: Vec<u8>,
    read: Vec<u8>,
}

/// An answer that was read to its end.
pub struct Answer<'c> {
    /// 200 and so on.
    pub status: u16,
    /// Without chunk lines.
    pub body: &'c [u8],
    /// From the first byte sent to the last byte received.
    pub took: Duration,
}

/// Where a body begins and ends within what was read.
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream, address, sent: Vec::new(), read: Vec::new() })
    }

    pub fn get(&mut self, path: &str) -> Result<Answer<'_>> {
        self.request("GET", path, &[], &[])
    }

    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer<'_>> {
        self.request("POST", path, headers, body)
    }

    fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer<'_>> {
        self.sent.clear();
        write!(self.sent, "{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address)?;
        for (name, value) in headers {
            write!(self.sent, "{name}: {value}\r\n")?;
        }
        if method == "POST" {
            write!(self.sent, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())?;
        }
        self.sent.extend_from_slice(b"\r\n");
        self.sent.extend_from_slice(body);
        let start = Instant::now();
        self.stream.write_all(&self.sent)?;
        let (status, head, framing) = self.read_head()?;
        match framing {
            Framing::Length(length) => self.read_to(head + length)?,
            Framing::Chunked => self.read_chunks(head)?,
        }
        let took = start.elapsed();
        Ok(Answer { status, body: &self.read[head..], took })
    }

    /// Reads until the head is whole; answers with the status and where the body begins.
    fn read_head(&mut self) -> Result<(u16, usize, Framing)> {
        self.read.clear();
        let head = loop {
            self.read_some(HEAD_BYTES)?;
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(self.read.len() < HEAD_BYTES, "a head of more than {HEAD_BYTES} bytes");
        };
        let text = std::str::from_utf8(&self.read[..head]).context("a head that is not ASCII")?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok()).context("no status")?;
        let mut framing = Framing::Length(0);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                framing = Framing::Length(value.parse().context("Content-Length")?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                ensure!(value.eq_ignore_ascii_case("chunked"), "Transfer-Encoding: {value}");
                framing = Framing::Chunked;
            }
        }
        Ok((status, head, framing))
    }

    fn read_to(&mut self, end: usize) -> Result<()> {
        let have = self.read.len();
        ensure!(have <= end, "more was read than the answer has");
        self.read.resize(end, 0);
        self.stream.read_exact(&mut self.read[have..])?;
        Ok(())
    }

    /// Reads chunks until the empty one, and closes the gaps where their lines stood.
    fn read_chunks(&mut self, head: usize) -> Result<()> {
        let (mut at, mut body) = (head, head);
        loop {
            let line = self.read_line(at)?;
            let text = std::str::from_utf8(&self.read[at..line]).context("a chunk's line")?;
            let size = usize::from_str_radix(text.split(';').next().unwrap_or_default().trim(), 16)?;
            let (start, end) = (line + 2, line + 2 + size);
            while self.read.len() < end + 2 {
                self.read_some(HEAD_BYTES)?;
            }
            if size == 0 {
                ensure!(self.read.len() == end + 2, "trailers are not understood");
                self.read.truncate(body);
                return Ok(());
            }
            self.read.copy_within(start..end, body);
            (at, body) = (end + 2, body + size);
        }
    }

    /// Where the line that begins at `at` ends.
    fn read_line(&mut self, at: usize) -> Result<usize> {
        loop {
            if let Some(end) = self.read[at..].windows(2).position(|two| two == b"\r\n") {
                return Ok(at + end);
            }
            self.read_some(HEAD_BYTES)?;
        }
    }

    fn read_some(&mut self, bytes: usize) -> Result<()> {
        let have = self.read.len();
        self.read.resize(have + bytes, 0);
        let got = self.stream.read(&mut self.read[have..])?;
        self.read.truncate(have + got);
        if got == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

impl Answer<'_> {
    /// The body of a success; anything else ends the run.
    pub fn ok(self) -> Result<Self> {
        let text = || String::from_utf8_lossy(&self.body[..self.body.len().min(500)]).into_owned();
        ensure!(self.status == 200, "status {}: {}", self.status, text());
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answered(raw: &'static [u8]) -> Result<(u16, Vec<u8>)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = thread::spawn(move || -> Result<()> {
            let (mut stream, _) = listener.accept()?;
            let mut asked = [0; 1_024];
            let _ = stream.read(&mut asked)?;
            // In two pieces, so that a piece may end anywhere.
            let (first, rest) = raw.split_at(raw.len() / 2);
            stream.write_all(first)?;
            stream.flush()?;
            thread::yield_now();
            stream.write_all(rest)?;
            Ok(())
        });
        let mut connection = Connection::open(address)?;
        let answer = connection.get("/")?;
        let told = (answer.status, answer.body.to_vec());
        server.join().expect("the server ends")?;
        Ok(told)
    }

    #[test]
    fn a_body_of_known_length_is_read_whole() {
        let raw = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(answered(raw).expect("an answer"), (200, b"hello".to_vec()));
    }

    #[test]
    fn chunks_are_put_together() {
        let raw = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        assert_eq!(answered(raw).expect("an answer"), (503, b"hello".to_vec()));
    }
}
