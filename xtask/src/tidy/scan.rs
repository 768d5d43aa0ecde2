//! Just enough of Rust's syntax to find functions and to tell code from comments and strings.
//! It relies on rustfmt's layout and is no parser.

use std::ops::RangeInclusive;

/// The text with everything that is no code replaced by blanks: comments, strings, characters.
/// Line breaks and byte positions stay.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    while code.len() < bytes.len() {
        let at = code.len();
        let after_word = at > 0 && is_word(bytes[at - 1]);
        let length = match foreign(&bytes[at..], after_word) {
            Some(length) => length,
            None => {
                code.push(bytes[at]);
                continue;
            }
        };
        let end = bytes.len().min(at + length);
        code.extend(bytes[at..end].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }));
    }
    String::from_utf8(code).expect("whole characters are copied or blanked")
}

/// The length of the comment, string or character that starts here, if one does.
fn foreign(rest: &[u8], after_word: bool) -> Option<usize> {
    match rest {
        [b'/', b'/', ..] => Some(position(rest, b'\n')),
        [b'/', b'*', ..] => Some(block_comment(rest)),
        [b'"', ..] => Some(quoted(rest, b'"')),
        [b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 2),
        [b'\'', ..] => character(rest),
        _ => None,
    }
}

fn position(rest: &[u8], wanted: u8) -> usize {
    rest.iter().position(|&byte| byte == wanted).unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// A string or character with its escapes, quotes included.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// A string like `r##"…"##`; `prefix` is the length of what stands before the `#`s. None for a raw
/// identifier, such as `r#type`.
fn raw_string(rest: &[u8], prefix: usize) -> Option<usize> {
    let hashes = rest[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let body = &rest[open + 1..];
    let end = body.windows(close.len()).position(|window| window == close).unwrap_or(body.len());
    Some(open + 1 + end + close.len())
}

/// None for a lifetime or a label.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return Some(quoted(rest, b'\''));
    }
    let text = std::str::from_utf8(&rest[1..rest.len().min(6)]);
    let valid = text.map_or_else(|error| error.valid_up_to(), str::len);
    let first = std::str::from_utf8(&rest[1..=valid]).ok()?.chars().next()?;
    let end = 1 + first.len_utf8();
    (rest.get(end) == Some(&b'\'')).then_some(end + 1)
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// From the line of `fn` to the one of the closing brace, numbered from 1.
    pub lines: RangeInclusive<usize>,
}

/// Every function with a body in blanked code, nested ones too.
pub fn functions(code: &str) -> Vec<Function> {
    words(code, "fn").filter_map(|at| function(code, at)).collect()
}

fn function(code: &str, at: usize) -> Option<Function> {
    let rest = &code[at..];
    // `fn(u8)` is a type.
    let name = rest.strip_prefix("fn ")?.trim_start();
    let name: String = name.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect();
    let (_, end) = block(rest)?;
    let first = line(code, at);
    Some(Function { name, lines: first..=line(code, at + end) })
}

/// The lines, from 1, of every block under `#[cfg(test)]` in blanked code.
pub fn test_lines(code: &str) -> Vec<RangeInclusive<usize>> {
    code.match_indices("#[cfg(test)]")
        .filter_map(|(at, _)| block(&code[at..]).map(|(_, end)| line(code, at)..=line(code, at + end)))
        .collect()
}

/// The positions of the first block's braces, unless a `;` ends the item before.
pub fn block(code: &str) -> Option<(usize, usize)> {
    let (mut nested, mut open, mut depth) = (0_usize, None, 0_usize);
    for (at, byte) in code.bytes().enumerate() {
        match (byte, open) {
            (b'(' | b'[', None) => nested += 1,
            (b')' | b']', None) => nested = nested.checked_sub(1)?,
            (b';', None) if nested == 0 => return None,
            (b'{', None) if nested > 0 => {}
            (b'{', _) => {
                open = open.or(Some(at));
                depth += 1;
            }
            (b'}', Some(first)) => {
                depth -= 1;
                if depth == 0 {
                    return Some((first, at));
                }
            }
            _ => {}
        }
    }
    None
}

/// Where the word stands by itself.
pub fn words<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = usize> + 'c {
    let alone = move |at: usize| {
        let before = at.checked_sub(1).and_then(|at| code.as_bytes().get(at));
        let after = code.as_bytes().get(at + word.len());
        !before.copied().is_some_and(is_word) && !after.copied().is_some_and(is_word)
    };
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| alone(at))
}

/// The line of a byte, from 1.
pub fn line(code: &str, at: usize) -> usize {
    1 + code.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        let cases = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("}\"{", g)"#, "f(      , g)"),
            (r##"f(r#""}"#, g)"##, "f(       , g)"),
            (r#"f(b"}", br"{\", c"x")"#, "f(b   ,       , c   )"),
            ("'{' | '\\'' | '\\u{7b}'", "    |      |         "),
            ("'é' | b'}'", "     | b   "),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("'outer: loop {}", "'outer: loop {}"),
            ("r#type + bar\"s\"", "r#type + bar   "),
        ];
        for (text, code) in cases {
            assert_eq!(blank(text), code, "{text}");
        }
    }

    #[test]
    fn line_breaks_stay_where_they_are() {
        let text = "/* a\nb */ let x = \"c\n{\";\nfn f() {\n}";
        assert_eq!(blank(text).matches('\n').count(), text.matches('\n').count());
        assert_eq!(functions(&blank(text))[0].lines, 4..=5);
    }

    #[test]
    fn functions_are_measured_from_fn_to_closing_brace() {
        let text = "trait T {
    fn none(&self) -> [u8; 4];
}

fn one(
    f: fn(u8) -> u8,
) -> u8
where
    u8: T,
{
    match f(1) {
        1 => { 2 }
        _ => 3,
    }
}

fn two() {}
";
        let code = blank(text);
        let found: Vec<_> = functions(&code).into_iter().map(|f| (f.name, f.lines)).collect();
        assert_eq!(found, [("one".to_owned(), 5..=15), ("two".to_owned(), 17..=17)]);
    }

    #[test]
    fn nested_functions_are_found_too() {
        let code = "fn outer() {\n    fn inner() {\n    }\n}\n";
        let lines: Vec<_> = functions(code).into_iter().map(|f| f.lines).collect();
        assert_eq!(lines, [1..=4, 2..=3]);
    }

    #[test]
    fn test_modules_are_known_but_not_those_in_other_files() {
        let code =
            "fn f() {}\n\n#[cfg(test)]\nmod far;\n\n#[cfg(test)]\nmod near {\n    fn t() {}\n}\nfn g() {}\n";
        assert_eq!(test_lines(code), [6..=9]);
    }

    #[test]
    fn a_word_is_not_a_part_of_another() {
        assert_eq!(words("fn fnord(a_fn: fn(u8))", "fn").collect::<Vec<_>>(), [0, 15]);
    }
}
