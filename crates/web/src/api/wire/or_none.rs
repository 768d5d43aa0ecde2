//! A value that a request may take away again.

use serde::Deserializer;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

use super::{Described, Faults, Schemas, Wire};

/// A value, or `null` to do without one. An absent field changes nothing.
pub(crate) struct OrNone<T>(pub(crate) Option<T>);

impl<T: Described> Described for OrNone<T> {
    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        let null = ObjectBuilder::new().schema_type(Type::Null).build();
        RefOr::T(OneOfBuilder::new().item(T::schema(schemas)).item(null).build().into())
    }
}

impl<T: Wire> Wire for OrNone<T> {
    fn take<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::take(from).map(|value| Self(Some(value)))
    }

    fn read(value: &Value, faults: &mut Faults) -> Option<Self> {
        T::read(value, faults).map(|value| Self(Some(value)))
    }

    fn of_null() -> Option<Self> {
        Some(Self(None))
    }
}
