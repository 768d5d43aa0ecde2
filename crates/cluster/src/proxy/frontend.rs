//! What a client says to PostgreSQL, read only as far as to know when it asks for a commit.

use std::collections::HashSet;

const COMMIT: &[u8] = b"COMMIT";

/// Before a type, which the first messages lack, comes the length alone.
const LENGTH: usize = 4;

/// Asks whether the server speaks TLS; it says no, and the client begins.
const SSL_REQUEST: u32 = 80_877_103;

/// The stream from one client.
#[derive(Default)]
pub struct Frontend {
    rest: Vec<u8>,
    has_begun: bool,
    /// Names of prepared statements that commit.
    commits: HashSet<Vec<u8>>,
}

impl Frontend {
    /// Whether this piece of the stream completes a message that asks for a commit.
    pub fn asks_for_commit(&mut self, piece: &[u8]) -> bool {
        self.rest.extend_from_slice(piece);
        let mut asks = false;
        while let Some((kind, body)) = self.next() {
            asks |= self.is_commit(kind, &body);
        }
        asks
    }

    /// The next whole message: its type, 0 for one without, and its body.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = usize::from(self.has_begun);
        let length = u32::from_be_bytes(self.rest.get(head..head + LENGTH)?.try_into().ok()?);
        let end = head + usize::try_from(length).ok()?;
        let body = self.rest.get(head + LENGTH..end)?.to_vec();
        let kind = if self.has_begun { self.rest[0] } else { 0 };
        self.rest.drain(..end);
        Some((kind, body))
    }

    fn is_commit(&mut self, kind: u8, body: &[u8]) -> bool {
        let mut texts = body.split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        match kind {
            0 => {
                self.has_begun = body.get(..LENGTH) != Some(&SSL_REQUEST.to_be_bytes());
                false
            }
            // A statement by its text.
            b'Q' => first == COMMIT,
            // Prepares: the name, then the text.
            b'P' => {
                if second == COMMIT {
                    self.commits.insert(first.to_vec());
                } else {
                    self.commits.remove(first);
                }
                false
            }
            // Binds: the portal, then the name of the statement. It is run right after.
            b'B' => self.commits.contains(second),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(LENGTH + body.len()).expect("short");
        [kind, &length.to_be_bytes(), body].concat()
    }

    fn begun() -> Frontend {
        let mut frontend = Frontend::default();
        assert!(!frontend.asks_for_commit(&message(b"", &SSL_REQUEST.to_be_bytes())));
        assert!(!frontend.asks_for_commit(&message(b"", b"\0\x03\0\0user\0COMMIT\0\0")));
        frontend
    }

    #[test]
    fn a_commit_is_known_by_its_text_or_by_the_name_of_what_was_prepared() {
        let mut frontend = begun();
        assert!(!frontend.asks_for_commit(&message(b"Q", b"SELECT 'COMMIT'\0")));
        assert!(frontend.asks_for_commit(&message(b"Q", b"COMMIT\0")));
        assert!(!frontend.asks_for_commit(&message(b"P", b"s1\0COMMIT\0\0\0")));
        assert!(!frontend.asks_for_commit(&message(b"P", b"s2\0BEGIN\0\0\0")));
        assert!(!frontend.asks_for_commit(&message(b"B", b"\0s2\0\0\0")));
        assert!(frontend.asks_for_commit(&message(b"B", b"\0s1\0\0\0")));
    }

    #[test]
    fn messages_may_come_in_pieces_or_many_at_once() {
        let mut frontend = begun();
        let many = [message(b"P", b"s1\0COMMIT\0\0\0"), message(b"B", b"\0s1\0\0\0")].concat();
        let (last, all_but_last) = many.split_last().expect("bytes");
        for byte in all_but_last {
            assert!(!frontend.asks_for_commit(&[*byte]));
        }
        assert!(frontend.asks_for_commit(&[*last]));
    }
}
