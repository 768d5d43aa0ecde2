//! What goes over the wire: how texts and numbers of JSON become domain types, and how those are written.
//!
//! Each body is one table of fields, written with [`wire!`] where it is read and [`answer!`] where it is
//! written. The table makes the fast reader, the reader that collects every fault, and the schema in the
//! OpenAPI document.

mod faults;
mod format;
mod leaf;
mod list;
mod macros;
mod metadata;
mod names;
mod number;
mod or_none;
mod out;
mod query;
mod schema;
mod sound;
mod take;
mod time;
mod tree;

use serde::Deserializer;
use serde_json::Value;

pub(crate) use faults::{Fault, Faults, Step};
pub(crate) use format::{
    CardTokenIn, FormatIn, FormatOut, PinIn, SecretOut, card_token_terms, noted, pin_format, token_format,
};
pub(crate) use leaf::{
    Flag, Flaw, GraceSeconds, Limit, Number, PositiveAmount, Seconds, SecretText, Text, number_schema,
    numbers, read_number, read_text, text_leaf, text_schema,
};
pub(crate) use list::List;
pub(crate) use macros::{answer, query, wire};
pub(crate) use names::{Name, Names};
pub(crate) use number::{Count, Minutes, Months};
pub(crate) use or_none::OrNone;
pub(crate) use out::{Answer, ByWhom, Out, Shown};
pub(crate) use query::{Param, Parameters, QueryPairs, number as number_param, parameter};
pub(crate) use schema::{Described, Schemas, described, named, schema_name, text_of};
pub(crate) use sound::Sound;
pub(crate) use take::{field, number as take_number, read_field, text as take_text};
pub(crate) use time::text as time_text;
pub(crate) use tree::{Tree, tree};

/// A type that can be read from JSON in two ways.
pub(crate) trait Wire: Described + Sized {
    /// Reads quickly; any error will do, because what went wrong is found out by `read`.
    fn take<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;

    /// Reads as far as possible, and notes every fault at the place where it is.
    ///
    /// A struct is read in part even where some of its fields are faulty, so that rules across fields can be
    /// judged for the rest.
    fn read(value: &Value, faults: &mut Faults) -> Option<Self>;

    /// What `null` stands for: nothing, as if the field were absent.
    fn of_null() -> Option<Self> {
        None
    }
}
