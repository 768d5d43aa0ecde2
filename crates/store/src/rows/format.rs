//! A code's format as one short text: `36:snc--:DINCARD:`.
//!
//! Length, then a letter or a hyphen each for symbols, numbers, characters, barcode and QR code, then the
//! prefix to the end, which may itself hold colons.
//!
//! A format as an account asks for it is written the same way, and leaves open what it does not say: no length, a
//! dot for a mark, and a prefix only behind an equals sign: `:.n...:=SHOP:`.

use domain::{Classes, Format, FormatRequest, Prefix};

const LETTERS: [char; 5] = ['s', 'n', 'c', 'b', 'q'];

/// The format as text.
pub fn to_text(format: &Format) -> String {
    let Format { length, prefix, classes, barcode, qr } = format;
    let marks = [classes.symbols, classes.numbers, classes.characters, *barcode, *qr];
    // Written for every card and token, so at once into a text of the right size.
    let mut text = String::with_capacity(prefix.as_str().len() + 10);
    text.push_str(&length.to_string());
    text.push(':');
    text.extend(marks.into_iter().zip(LETTERS).map(|(on, letter)| mark(on, letter)));
    text.push(':');
    text.push_str(prefix.as_str());
    text
}

/// The format a text stands for.
pub fn from_text(text: &str) -> Option<Format> {
    let (length, rest) = text.split_once(':')?;
    let (marks, prefix) = rest.split_once(':')?;
    let marks: [char; 5] = marks.chars().collect::<Vec<_>>().try_into().ok()?;
    let [symbols, numbers, characters, barcode, qr] =
        [0, 1, 2, 3, 4].map(|place: usize| is_on(marks[place], LETTERS[place]));
    Some(Format {
        length: length.parse().ok()?,
        prefix: Prefix::try_from(prefix).ok()?,
        classes: Classes { symbols: symbols?, numbers: numbers?, characters: characters? },
        barcode: barcode?,
        qr: qr?,
    })
}

/// What is asked for as text.
pub fn request_to_text(request: &FormatRequest) -> String {
    let FormatRequest { length, prefix, symbols, numbers, characters, barcode, qr } = request;
    let marks = [symbols, numbers, characters, barcode, qr].into_iter().zip(LETTERS);
    let marks: String = marks.map(|(asked, letter)| asked.map_or('.', |on| mark(on, letter))).collect();
    let length = length.map(|length| length.to_string()).unwrap_or_default();
    let prefix = prefix.as_ref().map(|prefix| format!("={}", prefix.as_str())).unwrap_or_default();
    format!("{length}:{marks}:{prefix}")
}

/// What a text asks for.
pub fn request_from_text(text: &str) -> Option<FormatRequest> {
    let (length, rest) = text.split_once(':')?;
    let (marks, prefix) = rest.split_once(':')?;
    let marks: [char; 5] = marks.chars().collect::<Vec<_>>().try_into().ok()?;
    let asked = |place: usize| match marks[place] {
        '.' => Some(None),
        mark => is_on(mark, LETTERS[place]).map(Some),
    };
    Some(FormatRequest {
        length: if length.is_empty() { None } else { Some(length.parse().ok()?) },
        prefix: match prefix.strip_prefix('=') {
            Some(prefix) => Some(Prefix::try_from(prefix).ok()?),
            None if prefix.is_empty() => None,
            None => return None,
        },
        symbols: asked(0)?,
        numbers: asked(1)?,
        characters: asked(2)?,
        barcode: asked(3)?,
        qr: asked(4)?,
    })
}

fn mark(on: bool, letter: char) -> char {
    if on { letter } else { '-' }
}

fn is_on(mark: char, letter: char) -> Option<bool> {
    match mark {
        '-' => Some(false),
        mark if mark == letter => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::FormatRequest;

    use super::*;

    #[test]
    fn a_format_reads_back_as_it_was_written() {
        let default = Format::token(&FormatRequest::default()).expect("the default");
        assert_eq!(to_text(&default), "36:snc--:DINCARD:");
        let asked = FormatRequest {
            length: Some(20),
            numbers: Some(true),
            prefix: Some(Prefix::try_from(":a:b:").expect("a prefix")),
            qr: Some(true),
            ..Default::default()
        };
        let format = Format::pin(&asked).expect("long enough");
        assert_eq!(to_text(&format), "20:-n--q::a:b:");
        assert_eq!(from_text(&to_text(&format)), Some(format));
        assert_eq!(from_text(&to_text(&default)), Some(default));
    }

    #[test]
    fn what_is_asked_for_reads_back_as_it_was_written() {
        assert_eq!(request_to_text(&FormatRequest::default()), ":.....:");
        let asked = FormatRequest {
            length: Some(20),
            symbols: Some(false),
            numbers: Some(true),
            prefix: Some(Prefix::try_from("=a:").expect("a prefix")),
            ..FormatRequest::default()
        };
        assert_eq!(request_to_text(&asked), "20:-n...:==a:");
        let no_prefix = FormatRequest { prefix: Prefix::try_from("").ok(), ..FormatRequest::default() };
        for request in [FormatRequest::default(), asked, no_prefix] {
            assert_eq!(request_from_text(&request_to_text(&request)), Some(request));
        }
        for text in ["", ":.....", ":....:", ":s.n..:", "x:.....:", ":.....:a"] {
            assert_eq!(request_from_text(text), None, "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_format() {
        for text in ["", "36", "36:snc--", "x:snc--:", "36:snc-:", "36:ssc--:", "36:snc--:\u{e6}"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
