//! PostgreSQL's rows, as they are read here.

use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::rows::{Columns, Value};

impl Columns for Row {
    fn value(&self, place: usize) -> Option<Value<'_>> {
        self.try_get(place).ok()
    }

    fn name(&self, place: usize) -> Option<&str> {
        self.columns().get(place).map(tokio_postgres::Column::name)
    }
}

impl<'row> FromSql<'row> for Value<'row> {
    fn from_sql(kind: &Type, raw: &'row [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::BOOL => Self::Integer(i64::from(bool::from_sql(kind, raw)?)),
            Type::TEXT => Self::Text(<&str>::from_sql(kind, raw)?),
            _ => Self::Bytes(raw),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::BOOL | Type::TEXT | Type::BYTEA | Type::UUID)
    }
}
