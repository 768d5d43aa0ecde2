//! SQLite's rows, as they are read here.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::rows::{Columns, Value};

impl Columns for Row<'_> {
    fn value(&self, place: usize) -> Option<Value<'_>> {
        match self.get_ref(place).ok()? {
            ValueRef::Null => Some(Value::Null),
            ValueRef::Integer(integer) => Some(Value::Integer(integer)),
            ValueRef::Text(text) => std::str::from_utf8(text).ok().map(Value::Text),
            ValueRef::Blob(bytes) => Some(Value::Bytes(bytes)),
            ValueRef::Real(_) => None,
        }
    }

    fn name(&self, place: usize) -> Option<&str> {
        self.as_ref().column_name(place).ok()
    }
}
