//! Query strings.

use std::num::{IntErrorKind, ParseIntError};

use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

use super::leaf::Number;
use super::schema::text_of;
use super::{Described, Faults, Flaw, Schemas};

/// A value that a query string can hold.
pub(crate) trait Param: Described + Sized {
    fn parse_param(text: &str) -> Result<Self, Flaw>;
}

/// The parameters of an operation.
pub(crate) trait Parameters: Default {
    fn read(pairs: &QueryPairs, faults: &mut Faults) -> Self;

    fn describe() -> Vec<Parameter>;
}

/// A query string, decoded.
pub(crate) struct QueryPairs(pub(crate) Vec<(String, String)>);

impl QueryPairs {
    /// The value of a parameter, where it is given and sound.
    pub(crate) fn read<T: Param>(&self, name: &'static str, faults: &mut Faults) -> Option<T> {
        let mut given = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        let value = given.next()?;
        faults.within(name, |faults| {
            if given.next().is_some() {
                faults.add("comes more than once");
                return None;
            }
            T::parse_param(value).map_err(|flaw| faults.add_as(flaw.code, flaw.message)).ok()
        })
    }
}

impl Param for bool {
    fn parse_param(text: &str) -> Result<Self, Flaw> {
        text.parse().map_err(|_| Flaw::new("must be true or false"))
    }
}

/// A whole number written as a text; one beyond what fits is as good as the outermost that does.
pub(crate) fn number<T: Number>(text: &str) -> Result<T, Flaw> {
    let number = text.parse().or_else(|error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => Ok(i64::MAX),
        IntErrorKind::NegOverflow => Ok(i64::MIN),
        _ => Err(Flaw::new("must be a whole number")),
    })?;
    T::parse(number)
}

/// A parameter as the OpenAPI document shows it.
pub(crate) fn parameter<T: Described>(name: &str, lines: &[&str]) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(text_of(lines)))
        .schema(Some(T::schema(&mut Schemas::new())))
        .build()
}
