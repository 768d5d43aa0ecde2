//! The `Idempotency-Key`, and what makes two requests the same.

use axum::http::HeaderMap;
use serde_json::{Number, Value};

use super::ApiError;

const HEADER: &str = "idempotency-key";
const CHARACTERS_MAX: usize = 255;

/// The key a client sent, bare or in quotes.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut lines = headers.get_all(HEADER).iter();
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let key = line.to_str().ok().and_then(unquoted).filter(|key| is_sound(key));
    match key {
        Some(key) if lines.next().is_none() => Ok(Some(key)),
        _ => Err(ApiError::invalid(format!(
            "Idempotency-Key must be given once, as 1 to {CHARACTERS_MAX} printable ASCII characters"
        ))
        .at(["Idempotency-Key"])),
    }
}

fn is_sound(key: &str) -> bool {
    (1..=CHARACTERS_MAX).contains(&key.len()) && key.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A bare key as it is, a quoted one without its quotes and escapes; nothing where a quote is left open.
fn unquoted(line: &str) -> Option<String> {
    let line = line.trim();
    let Some(quoted) = line.strip_prefix('"') else {
        return Some(line.to_owned());
    };
    let mut key = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(key),
            '\\' => key.push(characters.next().filter(|c| matches!(c, '"' | '\\'))?),
            character => key.push(character),
        }
    }
}

/// A request so written that equal ones are equal: the values its path names, and its body with sorted names and
/// numbers in one form. Nothing where the body is not JSON.
pub(crate) fn canonical(path: &[(String, String)], body: &str) -> Option<Vec<u8>> {
    let mut body: Value = serde_json::from_str(body).ok()?;
    normalize(&mut body);
    let mut canonical = Vec::new();
    for (name, value) in path {
        canonical.extend_from_slice(name.as_bytes());
        canonical.push(0);
        canonical.extend_from_slice(value.as_bytes());
        canonical.push(0);
    }
    serde_json::to_writer(&mut canonical, &body).ok()?;
    Some(canonical)
}

fn normalize(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.sort_keys();
            object.values_mut().for_each(normalize);
        }
        Value::Array(list) => list.iter_mut().for_each(normalize),
        Value::Number(number) => *number = whole(number).unwrap_or(number.clone()),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// `1.0`, `1e0` and `1` are one number.
fn whole(number: &Number) -> Option<Number> {
    /// Up to here every whole number has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float =
        number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() <= EXACT)?;
    format!("{float:.0}").parse::<i64>().ok().map(Number::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(lines: &[&str]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HEADER, line.parse().expect("a header value"));
        }
        key(&headers).ok()
    }

    #[test]
    fn keys_are_bare_or_quoted() {
        assert_eq!(key_of(&[]), Some(None));
        assert_eq!(key_of(&["abc-1"]), Some(Some("abc-1".into())));
        assert_eq!(key_of(&[" \"a \\\"b\\\\\" "]), Some(Some("a \"b\\".into())));
        assert_eq!(key_of(&["x".repeat(255).as_str()]), Some(Some("x".repeat(255))));
        for bad in [&[""][..], &["\"\""], &["\"a"], &["\"a\"b"], &["\"a\\n\""], &["a", "a"], &["a\tb"]] {
            assert_eq!(key_of(bad), None, "{bad:?}");
        }
        assert_eq!(key_of(&["x".repeat(256).as_str()]), None);
    }

    #[test]
    fn equal_json_is_equal_and_other_json_is_not() {
        let path = [("aid".to_owned(), "T12345678".to_owned())];
        let canonical = |body: &str| canonical(&path, body).expect("JSON");
        let one = canonical(r#"{"a": 1.0, "b": {"d": "\u00e6", "c": [1e2, -0.0, 2.50]}}"#);
        assert_eq!(one, canonical(r#"{"b":{"c":[100,0,2.5],"d":"æ"},"a":1}"#));
        assert_ne!(one, canonical(r#"{"b":{"c":[100,0,2.5],"d":"æ"},"a":"1"}"#));
        assert_ne!(canonical("[1,2]"), canonical("[2,1]"));
        assert_ne!(super::canonical(&[], "{}"), super::canonical(&path, "{}"));
    }
}
