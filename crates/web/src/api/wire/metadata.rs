//! A client's own data: any JSON object of moderate size, kept as it was written but for blanks.

use std::fmt;

use domain::Metadata;
use serde::Deserializer;
use serde::de::{Deserialize, Error, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema};

use super::names::{Name, Names};
use super::{Described, Faults, Schemas, Sound, Wire};

const BYTES_MAX: usize = 16 * 1024;
const KEYS_MAX: usize = 64;

impl Described for Metadata {
    fn schema(_: &mut Schemas) -> RefOr<Schema> {
        let object = ObjectBuilder::new().max_properties(Some(KEYS_MAX));
        object.additional_properties(Some(AdditionalProperties::FreeForm(true))).build().into()
    }
}

impl Wire for Metadata {
    fn take<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The text itself is kept: reading it as values would change its numbers.
        let raw = <&RawValue>::deserialize(from)?.get();
        let Keys(keys) = serde_json::from_str(raw).map_err(D::Error::custom)?;
        let compact = compact(raw);
        if keys > KEYS_MAX || compact.len() > BYTES_MAX {
            return Err(D::Error::custom("too much"));
        }
        Ok(Self::from_json_object(&compact))
    }

    fn read(value: &Value, faults: &mut Faults) -> Option<Self> {
        let Some(object) = value.as_object() else {
            faults.add("must be an object");
            return None;
        };
        let compact = value.to_string();
        if object.len() > KEYS_MAX {
            faults.add(format!("must have at most {KEYS_MAX} keys"));
        } else if compact.len() > BYTES_MAX {
            faults.add(format!("must be at most {BYTES_MAX} bytes of compact JSON"));
        } else {
            return Some(Self::from_json_object(&compact));
        }
        None
    }
}

/// How many keys a sound object has.
struct Keys(usize);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut names = Names::default();
                while let Some(Name(name)) = map.next_key()? {
                    names.check(name)?;
                    map.next_value::<Sound>()?;
                }
                Ok(Keys(names.len()))
            }
        }
        from.deserialize_map(KeysVisitor)
    }
}

/// JSON without the blanks between its parts.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let mut rest = json;
    // Texts are copied whole, quotes included; what lies between them loses its blanks.
    while let Some(start) = rest.find('"') {
        let (between, text) = rest.split_at(start);
        compact.extend(between.chars().filter(|c| !c.is_ascii_whitespace()));
        let end = end_of_text(text);
        compact.push_str(&text[..end]);
        rest = &text[end..];
    }
    compact.extend(rest.chars().filter(|c| !c.is_ascii_whitespace()));
    compact
}

/// Behind the closing quote of the text that `json` begins with.
pub(super) fn end_of_text(json: &str) -> usize {
    let mut escaped = false;
    let closing = json.bytes().skip(1).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    closing.map_or(json.len(), |place| place + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_between_parts_go_and_blanks_in_texts_stay() {
        let json = " { \"a b\" : [ 1 , 2.50 , \"x \\\" \\\\\" ] ,\n\t\"æ\" : { } } ";
        assert_eq!(compact(json), r#"{"a b":[1,2.50,"x \" \\"],"æ":{}}"#);
        assert_eq!(compact("{}"), "{}");
    }

    #[test]
    fn numbers_keep_every_digit_and_names_their_order() {
        let json = r#"{"z": 12345678901234567890123.10, "a": 1e2}"#;
        let metadata = Metadata::take(&mut serde_json::Deserializer::from_str(json)).expect("an object");
        assert_eq!(metadata.as_json(), r#"{"z":12345678901234567890123.10,"a":1e2}"#);
    }

    #[test]
    fn only_sound_objects_within_the_limits_are_taken() {
        let taken = |json: &str| Metadata::take(&mut serde_json::Deserializer::from_str(json)).is_ok();
        let keys = |count: usize| {
            let pairs: Vec<String> = (0..count).map(|key| format!("\"{key}\": 0")).collect();
            format!("{{{}}}", pairs.join(", "))
        };
        assert!(taken(&keys(64)));
        assert!(!taken(&keys(65)));
        let long = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length));
        assert!(taken(&long(BYTES_MAX - 8)));
        assert!(!taken(&long(BYTES_MAX - 7)));
        for bad in [
            "[]",
            "\"a\"",
            "1",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":"\u0000"}"#,
            r#"{"\u0000":1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1e999}"#,
        ] {
            assert!(!taken(bad), "{bad}");
        }
    }
}
