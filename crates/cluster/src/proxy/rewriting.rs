//! Words that a client says, and others in their place.

/// A stream in which some words are replaced.
#[derive(Clone)]
pub struct Rewriting {
    words: &'static [u8],
    others: &'static [u8],
    /// The end of what came so far, where it may be the beginning of the words.
    held: Vec<u8>,
}

impl Rewriting {
    /// Messages tell their length, so both must have the same.
    pub fn new(words: &'static str, others: &'static str) -> Self {
        assert!(!words.is_empty() && words.len() == others.len(), "{words}: {others}");
        Self { words: words.as_bytes(), others: others.as_bytes(), held: Vec::new() }
    }

    /// What is passed on once this piece has come. No message ends as words begin, so none is held for ever.
    pub fn pass(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let length = self.words.len();
        while let Some(at) = self.held.windows(length).position(|window| window == self.words) {
            self.held[at..at + length].copy_from_slice(self.others);
        }
        let is_begun = |count: &usize| self.held.ends_with(&self.words[..*count]);
        let waits = (1..length).rev().find(is_begun).unwrap_or(0);
        self.held.drain(..self.held.len() - waits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_however_they_come() {
        let mut rewriting = Rewriting::new("FOR UPDATE", "          ");
        let text = b"SELECT 1 FOR UPDATE; SELECT 2 FOR SHARE; SELECT 3 FOR UPDATE;";
        let expected = b"SELECT 1           ; SELECT 2 FOR SHARE; SELECT 3           ;";
        assert_eq!(rewriting.pass(text), expected);
        let by_bytes: Vec<u8> = text.iter().flat_map(|byte| rewriting.pass(&[*byte])).collect();
        assert_eq!(by_bytes, expected);
    }
}
