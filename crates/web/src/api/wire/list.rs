//! Lists of bounded length.

use serde::Deserializer;
use serde::de::Error;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};

use super::{Described, Faults, Schemas, Wire, take};

/// A list of `MIN` to `MAX` values.
pub(crate) struct List<T, const MIN: usize, const MAX: usize>(pub(crate) Vec<T>);

impl<T: Described, const MIN: usize, const MAX: usize> Described for List<T, MIN, MAX> {
    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        let list = ArrayBuilder::new().items(T::schema(schemas));
        list.min_items(Some(MIN)).max_items(Some(MAX)).build().into()
    }
}

impl<T: Wire, const MIN: usize, const MAX: usize> Wire for List<T, MIN, MAX> {
    fn take<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let list = take::list(from, MAX)?;
        if list.len() < MIN { Err(D::Error::invalid_length(list.len(), &"more")) } else { Ok(Self(list)) }
    }

    fn read(value: &Value, faults: &mut Faults) -> Option<Self> {
        let Some(values) = value.as_array() else {
            faults.add("must be an array");
            return None;
        };
        if !(MIN..=MAX).contains(&values.len()) {
            faults.add(format!("must have {MIN} to {MAX} items, has {}", values.len()));
        }
        let numbered = values.iter().take(MAX).enumerate();
        let read =
            numbered.filter_map(|(index, value)| faults.within(index, |faults| T::read(value, faults)));
        Some(Self(read.collect()))
    }
}
