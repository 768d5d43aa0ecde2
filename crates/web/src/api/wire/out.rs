//! Writing: straight from domain types into the answer's buffer.

use domain::{
    Action, Amount, BatchId, CardId, CardType, CardUuid, ClientId, ClientUuid, Currency, CustomerId,
    Description, GrantId, LockLife, Metadata, Name, Note, OriginatedBy, PinPolicy, Prefix, Reason,
    ReasonCode, RefId, RefundToExpired, RequestId, Scope, Status, Timestamp, TokenUuid, TransactionId,
    TransactionType,
};
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use service::Secret;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use uuid::Uuid;

use super::{Described, Schemas, time};

/// A type that can be written as JSON.
pub(crate) trait Answer: Described {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;

    /// Whether the field is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Lends a serializer what is an answer.
pub(crate) struct Out<'a, T: ?Sized>(pub(crate) &'a T);

impl<T: Answer + ?Sized> Serialize for Out<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

impl<T: Answer> Answer for Option<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(to),
            None => to.serialize_none(),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Answer + ?Sized> Answer for &T {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        T::write(self, to)
    }

    fn is_absent(&self) -> bool {
        T::is_absent(self)
    }
}

impl<T: Answer> Answer for [T] {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.len()))?;
        for value in self {
            list.serialize_element(&Out(value))?;
        }
        list.end()
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_slice().write(to)
    }
}

macro_rules! written {
    ($($($type:ty),+ => $write:expr;)+) => {$($(
        impl Answer for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let written = $write;
                written(self).serialize(to)
            }
        }
    )+)+};
}

written! {
    BatchId, CardUuid, ClientUuid, GrantId, RequestId, TokenUuid, TransactionId => |id: &Self| id.0;
    LockLife => |life: &Self| life.seconds();
    Amount => |amount: &Self| amount.minor_units();
    Timestamp => |time: &Self| time::text(*time);
    bool, u16, u32, u64, i64, i128, Uuid => |value: &Self| *value;
}

macro_rules! texts_written {
    ($($($type:ty),+ => $text:expr;)+) => {$($(
        impl Answer for $type {
            fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let text: fn(&Self) -> &str = $text;
                to.serialize_str(text(self))
            }
        }
    )+)+};
}

texts_written! {
    CardId, ClientId, CustomerId, Description, Name, Note, OriginatedBy, Prefix, ReasonCode, RefId => |text| {
        text.as_str()
    };
    domain::Aid, domain::Audience => |text| text.as_str();
    Currency => |currency| currency.code();
    CardType, Status, TransactionType, Reason, Action, PinPolicy, RefundToExpired => |word| word.as_str();
    Scope => |scope| scope.as_str();
    str, String => |text| text;
}

macro_rules! plain {
    ($($type:ty: $schema:expr;)+) => {$(
        impl Described for $type {
            fn schema(_: &mut Schemas) -> RefOr<Schema> {
                ObjectBuilder::new().schema_type($schema).build().into()
            }
        }
    )+};
}

plain! {
    str: Type::String;
    String: Type::String;
    u16: Type::Integer;
    u32: Type::Integer;
    u64: Type::Integer;
    i64: Type::Integer;
    i128: Type::Integer;
}

impl Answer for Metadata {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.as_json() == "{}" {
            return to.serialize_map(Some(0))?.end();
        }
        let raw = <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(self.as_json()));
        raw.map_err(S::Error::custom)?.serialize(to)
    }
}

/// The client that did something; `operator` where nobody came through the API.
pub(crate) struct ByWhom(pub(crate) Option<ClientUuid>);

impl Described for ByWhom {
    fn schema(_: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).build().into()
    }
}

impl Answer for ByWhom {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(client) => client.0.serialize(to),
            None => to.serialize_str("operator"),
        }
    }
}

/// A secret in the one answer that shows it.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a>(pub(crate) &'a Secret);

impl Described for Shown<'_> {
    fn schema(_: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).build().into()
    }
}

impl Answer for Shown<'_> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}
