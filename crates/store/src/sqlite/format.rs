//! A code's format as one short text: `36:snc--:DINCARD:`.
//!
//! Length, then a letter or a hyphen each for symbols, numbers, characters, barcode and QR code, then the
//! prefix to the end, which may itself hold colons.

use domain::{Classes, Format, Prefix};

/// The format as text.
pub fn to_text(format: &Format) -> String {
    let Format { length, prefix, classes, barcode, qr } = format;
    let marks = [
        ('s', classes.symbols),
        ('n', classes.numbers),
        ('c', classes.characters),
        ('b', *barcode),
        ('q', *qr),
    ];
    // Written for every card and token, so at once into a text of the right size.
    let mut text = String::with_capacity(prefix.as_str().len() + 10);
    text.push_str(&length.to_string());
    text.push(':');
    text.extend(marks.into_iter().map(|(letter, on)| if on { letter } else { '-' }));
    text.push(':');
    text.push_str(prefix.as_str());
    text
}

/// The format a text stands for.
pub fn from_text(text: &str) -> Option<Format> {
    let (length, rest) = text.split_once(':')?;
    let (marks, prefix) = rest.split_once(':')?;
    let marks: [char; 5] = marks.chars().collect::<Vec<_>>().try_into().ok()?;
    let is_on = |(mark, letter): (char, char)| match mark {
        '-' => Some(false),
        mark if mark == letter => Some(true),
        _ => None,
    };
    let [symbols, numbers, characters, barcode, qr] =
        [0, 1, 2, 3, 4].map(|place: usize| is_on((marks[place], ['s', 'n', 'c', 'b', 'q'][place])));
    Some(Format {
        length: length.parse().ok()?,
        prefix: Prefix::try_from(prefix).ok()?,
        classes: Classes { symbols: symbols?, numbers: numbers?, characters: characters? },
        barcode: barcode?,
        qr: qr?,
    })
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
    fn anything_else_is_no_format() {
        for text in ["", "36", "36:snc--", "x:snc--:", "36:snc-:", "36:ssc--:", "36:snc--:\u{e6}"] {
            assert_eq!(from_text(text), None, "{text}");
        }
    }
}
