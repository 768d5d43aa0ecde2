//! The slow reader: a body as a tree of values, with everything that makes it unsound.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::metadata::end_of_text;
use super::names::{Name, Names};
use super::{Faults, Step};

/// A body of more values than this is not taken apart: its tree would take a hundred times its own room.
const VALUES_MAX: usize = 100_000;

/// What stands for a number that no float can hold. `1e400` is JSON all the same, and is told by its place.
const IMMENSE: f64 = 1e308;

const NUL: &str = "must not contain U+0000";

/// What came of reading a body as a tree.
pub(crate) enum Tree {
    /// It is JSON; what is unsound about it has been noted.
    Grown(Value),
    /// It is not JSON, or nested too deeply.
    NotJson {
        /// Where the reader stopped, from 1.
        line: usize,
        /// Where in the line, from 1.
        column: usize,
    },
    /// It has more values than are worth taking apart.
    TooMany,
}

/// Reads `json` as a tree.
pub(crate) fn tree(json: &str, faults: &mut Faults) -> Tree {
    let (json, has_immense) = holdable(json);
    let grower = RefCell::new(Grower { faults, values: 0, too_many: false, has_immense });
    let mut from = serde_json::Deserializer::from_str(&json);
    let grown = Branch(&grower).deserialize(&mut from).and_then(|value| from.end().map(|()| value));
    match grown {
        Ok(value) => Tree::Grown(value),
        Err(_) if grower.borrow().too_many => Tree::TooMany,
        Err(error) => Tree::NotJson { line: error.line(), column: error.column() },
    }
}

/// JSON whose every number a float can hold, and whether any could not.
fn holdable(json: &str) -> (Cow<'_, str>, bool) {
    let (mut held, mut rest, mut has_immense) = (String::new(), json, false);
    while let Some(start) = rest.find(|c| matches!(c, '"' | '-' | '0'..='9')) {
        let (between, found) = rest.split_at(start);
        let end_of_number = || found.find(|c| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
        let end = match found.starts_with('"') {
            true => end_of_text(found),
            false => end_of_number().unwrap_or(found.len()),
        };
        let (part, after) = found.split_at(end);
        held.push_str(between);
        match part.parse::<f64>() {
            Ok(number) if number.is_infinite() => {
                has_immense = true;
                held.push_str(if number > 0.0 { "1e308" } else { "-1e308" });
            }
            _ => held.push_str(part),
        }
        rest = after;
    }
    if !has_immense {
        return (Cow::Borrowed(json), false);
    }
    held.push_str(rest);
    (Cow::Owned(held), true)
}

struct Grower<'f> {
    faults: &'f mut Faults,
    values: usize,
    too_many: bool,
    has_immense: bool,
}

#[derive(Clone, Copy)]
struct Branch<'b, 'f>(&'b RefCell<Grower<'f>>);

impl Branch<'_, '_> {
    /// Looks at what stands at `step`, however deep that leads.
    fn within<T>(self, step: Step, look: impl FnOnce() -> T) -> T {
        self.0.borrow_mut().faults.enter(step);
        let found = look();
        self.0.borrow_mut().faults.leave();
        found
    }

    fn count<E: Error>(self) -> Result<(), E> {
        let mut grower = self.0.borrow_mut();
        grower.values += 1;
        grower.too_many = grower.values > VALUES_MAX;
        if grower.too_many { Err(E::custom("too many values")) } else { Ok(()) }
    }

    fn fault(self, message: &'static str) {
        self.0.borrow_mut().faults.add(message);
    }
}

impl<'de> DeserializeSeed<'de> for Branch<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.count()?;
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Branch<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        let mut grower = self.0.borrow_mut();
        if grower.has_immense && number.abs() >= IMMENSE {
            grower.faults.add_last("is too large a number");
        }
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        if text.contains('\0') {
            self.fault(NUL);
        }
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = self.within(Step::Index(list.len()), || access.next_element_seed(self))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let mut names = Names::default();
        while let Some(Name(name)) = map.next_key()? {
            let step = Step::Field(Cow::Owned(name.clone().into_owned()));
            let value = self.within(step.clone(), || map.next_value_seed(self))?;
            let message = if name.contains('\0') { NUL } else { "comes more than once" };
            if !names.insert(name.clone()) {
                self.within(step, || self.fault(message));
            }
            object.insert(name.into_owned(), value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(json: &str) -> Vec<String> {
        let mut faults = Faults::default();
        let grown = matches!(tree(json, &mut faults), Tree::Grown(_));
        assert!(grown, "{json}");
        let paths = faults.into_sorted().into_iter().map(|fault| (fault.path, fault.message));
        paths.map(|(path, why)| format!("{} {why}", serde_json::json!(path))).collect()
    }

    #[test]
    fn every_double_and_every_nul_is_found_where_it_is() {
        let json = r#"{"a":{"b":1,"c":["x","\u0000"],"b":2},"\u0000":1,"a":1}"#;
        let expected = [
            "[\"\\u0000\"] must not contain U+0000",
            "[\"a\"] comes more than once",
            "[\"a\",\"b\"] comes more than once",
            "[\"a\",\"c\",1] must not contain U+0000",
        ];
        assert_eq!(faults_of(json), expected);
        assert!(faults_of(r#"{"a":[{},{"a":null}],"b":1.5}"#).is_empty());
    }

    #[test]
    fn a_number_that_no_float_holds_is_found_where_it_is() {
        let digits = "9".repeat(400);
        let json = format!(r#"{{"a":[1e308,"1e400 \\\" 1e400",-1E+400],"1e400":{digits},"b":-1e-400}}"#);
        let expected = [
            "[\"1e400\"] is too large a number",
            "[\"a\",0] is too large a number",
            "[\"a\",2] is too large a number",
        ];
        assert_eq!(faults_of(&json), expected);
        assert!(faults_of(r#"{"a":[1e308,"1e400",-1e308]}"#).is_empty());
        assert!(matches!(tree("[1e400,]", &mut Faults::default()), Tree::NotJson { line: 1, .. }));
        assert!(matches!(tree("[\"1e400", &mut Faults::default()), Tree::NotJson { .. }));
        assert!(matches!(tree("[1e+]", &mut Faults::default()), Tree::NotJson { .. }));
    }

    #[test]
    fn what_is_not_json_or_too_deep_or_too_much_is_told_apart() {
        let tree = |json: &str| tree(json, &mut Faults::default());
        assert!(matches!(tree("{\n \"a\" 1}"), Tree::NotJson { line: 2, .. }));
        assert!(matches!(tree("{} {}"), Tree::NotJson { .. }));
        assert!(matches!(tree(r#""\ud800""#), Tree::NotJson { .. }));
        assert!(matches!(tree(&"[".repeat(200)), Tree::NotJson { .. }));
        assert!(matches!(tree(&format!("[{}0]", "0,".repeat(VALUES_MAX))), Tree::TooMany));
    }
}
