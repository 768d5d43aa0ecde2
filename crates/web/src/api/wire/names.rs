//! The names met in one JSON object: none may come twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Names up to here are compared one by one, which beats hashing.
const FEW: usize = 16;

/// The names met so far.
#[derive(Default)]
pub(crate) struct Names<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

/// A name, borrowed from the body where it has no escapes.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Names<'de> {
    /// Notes a name; says whether it is new and may stand in a body.
    pub(crate) fn insert(&mut self, name: Cow<'de, str>) -> bool {
        if name.contains('\0') || self.few.contains(&name) {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push(name);
            return true;
        }
        self.many.insert(name)
    }

    /// As `insert`, with an error of the reader.
    pub(crate) fn check<E: Error>(&mut self, name: Cow<'de, str>) -> Result<(), E> {
        if self.insert(name) { Ok(()) } else { Err(E::custom("a name that comes twice or holds U+0000")) }
    }

    pub(crate) fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }
}

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        from.deserialize_str(NameVisitor)
    }
}
