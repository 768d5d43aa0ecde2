//! Single values: texts and numbers, checked by the domain.

use domain::{
    Action, Amount, AmountFault, Audience, CardId, CardType, Currency, CustomerId, Description, Name, Note,
    OriginatedBy, PinPolicy, Prefix, Reason, ReasonCode, RefId, RefundToExpired, Scope, Status, Timestamp,
    TransactionType,
};
use serde::Deserializer;
use serde::de::{Deserialize, Error};
use serde_json::{Value, json};
use service::Secret;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use uuid::Uuid;

use super::{Described, Faults, Schemas, Wire, take, time};
use crate::api::error::Code;

/// Why a single value was refused.
pub(crate) struct Flaw {
    pub(crate) code: Code,
    pub(crate) message: String,
}

impl Flaw {
    pub(crate) fn new(message: impl ToString) -> Self {
        Self { code: Code::InvalidRequest, message: message.to_string() }
    }
}

impl From<AmountFault> for Flaw {
    fn from(fault: AmountFault) -> Self {
        let code = match fault {
            AmountFault::Negative => Code::InvalidRequest,
            AmountFault::TooLarge => Code::AmountLimit,
        };
        Self { code, message: fault.to_string() }
    }
}

/// A value that JSON writes as a text.
pub(crate) trait Text: Sized {
    fn parse(text: &str) -> Result<Self, Flaw>;

    fn describe(object: ObjectBuilder) -> ObjectBuilder;
}

/// A value that JSON writes as a whole number.
pub(crate) trait Number: Sized {
    fn parse(number: i64) -> Result<Self, Flaw>;

    fn describe(object: ObjectBuilder) -> ObjectBuilder;
}

/// Makes texts what bodies, answers and query strings can hold.
macro_rules! text_leaf {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::api::wire::Described for $type {
            fn schema(_: &mut $crate::api::wire::Schemas)
                -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>
            {
                $crate::api::wire::text_schema::<Self>()
            }
        }

        impl $crate::api::wire::Wire for $type {
            fn take<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::api::wire::take_text(from, <$type as $crate::api::wire::Text>::parse)
            }

            fn read(value: &serde_json::Value, faults: &mut $crate::api::wire::Faults) -> Option<Self> {
                $crate::api::wire::read_text(value, faults)
            }
        }

        impl $crate::api::wire::Param for $type {
            fn parse_param(text: &str) -> Result<Self, $crate::api::wire::Flaw> {
                <$type as $crate::api::wire::Text>::parse(text)
            }
        }
    )+};
}
pub(crate) use text_leaf;

/// The schema of a text.
pub(crate) fn text_schema<T: Text>() -> RefOr<Schema> {
    T::describe(ObjectBuilder::new().schema_type(Type::String)).build().into()
}

/// Reads a text, noting what is wrong with it.
pub(crate) fn read_text<T: Text>(value: &Value, faults: &mut Faults) -> Option<T> {
    let Some(text) = value.as_str() else {
        faults.add("must be a string");
        return None;
    };
    T::parse(text).map_err(|flaw| faults.add_as(flaw.code, flaw.message)).ok()
}

macro_rules! texts {
    ($($type:ty: $describe:expr;)+) => {$(
        text_leaf!($type);

        impl Text for $type {
            fn parse(text: &str) -> Result<Self, Flaw> {
                Self::try_from(text).map_err(Flaw::new)
            }

            fn describe(object: ObjectBuilder) -> ObjectBuilder {
                let describe: fn(ObjectBuilder) -> ObjectBuilder = $describe;
                describe(object)
            }
        }
    )+};
}

texts! {
    CardId: |object| object.min_length(Some(1)).max_length(Some(255));
    CustomerId: |object| object.min_length(Some(1)).max_length(Some(255));
    OriginatedBy: |object| object.min_length(Some(1)).max_length(Some(255));
    RefId: |object| object.min_length(Some(1)).max_length(Some(255));
    ReasonCode: |object| object.min_length(Some(1)).max_length(Some(255));
    Note: |object| object.min_length(Some(1)).max_length(Some(1_000));
    Name: |object| object.max_length(Some(255));
    Description: |object| object.max_length(Some(255));
    Prefix: |object| object.max_length(Some(super::format::PREFIX_CHARS_MAX)).pattern(Some("^[ -~]*$"));
    Audience: |object| object.max_length(Some(255)).pattern(Some(r"/v1/accounts/[PT]\d{8}$"));
    Currency: |object| object.pattern(Some("^[A-Z]{3}$"));
    domain::Aid: |object| object.pattern(Some(r"^[PT]\d{8}$"));
    domain::ClientId: |object| object.min_length(Some(1)).max_length(Some(255));
}

/// Words of which exactly these are known.
macro_rules! words {
    ($($type:ty: $words:expr;)+) => {$(
        text_leaf!($type);

        impl Text for $type {
            fn parse(text: &str) -> Result<Self, Flaw> {
                let found = <$type>::ALL.iter().copied().find(|value| value.as_str() == text);
                found.ok_or_else(|| Flaw::new(format!("must be one of {}", words(<$type>::ALL, $words))))
            }

            fn describe(object: ObjectBuilder) -> ObjectBuilder {
                object.enum_values(Some(<$type>::ALL.iter().map(|value| json!(value.as_str()))))
            }
        }
    )+};
}

words! {
    CardType: CardType::as_str;
    Status: Status::as_str;
    Scope: Scope::as_str;
    TransactionType: TransactionType::as_str;
    Reason: Reason::as_str;
    Action: Action::as_str;
    PinPolicy: PinPolicy::as_str;
    RefundToExpired: RefundToExpired::as_str;
}

fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> String {
    all.iter().map(|value| word(*value)).collect::<Vec<_>>().join(", ")
}

text_leaf!(Timestamp, Uuid, SecretText);

impl Text for Timestamp {
    fn parse(text: &str) -> Result<Self, Flaw> {
        time::parse(text).map_err(Flaw::new)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
    }
}

impl Text for Uuid {
    fn parse(text: &str) -> Result<Self, Flaw> {
        Self::try_parse(text).map_err(|_| Flaw::new("must be a UUID"))
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
    }
}

macro_rules! ids {
    ($($type:ty),+) => {$(
        text_leaf!($type);

        impl Text for $type {
            fn parse(text: &str) -> Result<Self, Flaw> {
                Uuid::parse(text).map(Self::from)
            }

            fn describe(object: ObjectBuilder) -> ObjectBuilder {
                Uuid::describe(object)
            }
        }
    )+};
}

ids!(
    domain::BatchId,
    domain::CardUuid,
    domain::ClientUuid,
    domain::GrantId,
    domain::RequestId,
    domain::TokenUuid,
    domain::TransactionId
);

/// A token or another secret that a client sends.
pub(crate) struct SecretText(pub(crate) Secret);

impl Text for SecretText {
    fn parse(text: &str) -> Result<Self, Flaw> {
        match text.chars().count() {
            0 => Err(Flaw::new("must not be empty")),
            1..=255 if text.chars().any(char::is_control) => {
                Err(Flaw::new("must not contain control characters"))
            }
            1..=255 => Ok(Self(Secret::new(text.to_owned()))),
            _ => Err(Flaw::new("must be at most 255 characters")),
        }
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.min_length(Some(1)).max_length(Some(255))
    }
}

/// Makes whole numbers what bodies and query strings can hold.
macro_rules! numbers {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::api::wire::Described for $type {
            fn schema(_: &mut $crate::api::wire::Schemas)
                -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>
            {
                $crate::api::wire::number_schema::<Self>()
            }
        }

        impl $crate::api::wire::Param for $type {
            fn parse_param(text: &str) -> Result<Self, $crate::api::wire::Flaw> {
                $crate::api::wire::number_param(text)
            }
        }

        impl $crate::api::wire::Wire for $type {
            fn take<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $crate::api::wire::take_number(from, <$type as $crate::api::wire::Number>::parse)
            }

            fn read(value: &serde_json::Value, faults: &mut $crate::api::wire::Faults) -> Option<Self> {
                $crate::api::wire::read_number(value, faults)
            }
        }
    )+};
}
pub(crate) use numbers;

/// The schema of a whole number.
pub(crate) fn number_schema<N: Number>() -> RefOr<Schema> {
    N::describe(ObjectBuilder::new().schema_type(Type::Integer)).build().into()
}

/// Reads a whole number, noting what is wrong with it.
pub(crate) fn read_number<N: Number>(value: &Value, faults: &mut Faults) -> Option<N> {
    let Some(number) = whole(value) else {
        faults.add("must be a whole number");
        return None;
    };
    N::parse(number).map_err(|flaw| faults.add_as(flaw.code, flaw.message)).ok()
}

numbers!(Amount, PositiveAmount, Seconds, GraceSeconds, Limit, Length);

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| take::immense(value.as_f64()?))
}

impl Number for Amount {
    fn parse(number: i64) -> Result<Self, Flaw> {
        Ok(Self::try_from(number)?)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(0)).maximum(Some(limit(domain::MAX_AMOUNT)))
    }
}

/// More than nothing.
#[derive(Clone, Copy)]
pub(crate) struct PositiveAmount(pub(crate) Amount);

impl Number for PositiveAmount {
    fn parse(number: i64) -> Result<Self, Flaw> {
        let amount = Amount::try_from(number)?;
        if amount.is_zero() { Err(Flaw::new("must be more than 0")) } else { Ok(Self(amount)) }
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(1)).maximum(Some(limit(domain::MAX_AMOUNT)))
    }
}

/// A life in seconds, at least one.
#[derive(Clone, Copy)]
pub(crate) struct Seconds(pub(crate) u32);

impl Number for Seconds {
    fn parse(number: i64) -> Result<Self, Flaw> {
        within(number, 1, u32::MAX).map(Self)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(1)).maximum(Some(limit(i64::from(u32::MAX))))
    }
}

/// How long a rotated secret still counts, in seconds: a day at most.
#[derive(Clone, Copy)]
pub(crate) struct GraceSeconds(pub(crate) u32);

impl GraceSeconds {
    const MAX: u32 = 86_400;
}

impl Number for GraceSeconds {
    fn parse(number: i64) -> Result<Self, Flaw> {
        within(number, 0, Self::MAX).map(Self)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(0)).maximum(Some(limit(i64::from(Self::MAX))))
    }
}

/// How many things a page may hold.
#[derive(Clone, Copy)]
pub(crate) struct Limit(pub(crate) u32);

impl Limit {
    const MAX: u32 = 100;
}

impl Number for Limit {
    fn parse(number: i64) -> Result<Self, Flaw> {
        within(number, 1, Self::MAX).map(Self)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(1)).maximum(Some(limit(i64::from(Self::MAX))))
    }
}

/// The length of a code, judged together with the rest of its format.
#[derive(Clone, Copy)]
pub(crate) struct Length(pub(crate) i64);

impl Number for Length {
    fn parse(number: i64) -> Result<Self, Flaw> {
        Ok(Self(number))
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(1)).maximum(Some(limit(i64::from(domain::MAX_CODE_LENGTH))))
    }
}

pub(super) fn within(number: i64, min: u32, max: u32) -> Result<u32, Flaw> {
    if number < i64::from(min) {
        return Err(Flaw::new(format!("must be at least {min}")));
    }
    let found = u32::try_from(number).ok().filter(|number| *number <= max);
    found.ok_or_else(|| Flaw::new(format!("must be at most {max}")))
}

pub(super) fn limit(number: i64) -> utoipa::Number {
    isize::try_from(number).unwrap_or(isize::MAX).into()
}

/// `true` or `false`.
pub(crate) type Flag = bool;

impl Described for Flag {
    fn schema(_: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Boolean).build().into()
    }
}

impl Wire for Flag {
    fn take<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from).map_err(D::Error::custom)
    }

    fn read(value: &Value, faults: &mut Faults) -> Option<Self> {
        let flag = value.as_bool();
        if flag.is_none() {
            faults.add("must be true or false");
        }
        flag
    }
}
