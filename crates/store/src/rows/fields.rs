//! Values of a row, taken one by one in the order of the columns.
//!
//! What cannot be read is told by table and column, never by its value.

use domain::{Amount, Currency, Timestamp};
use uuid::Uuid;

/// A row holds what this program does not write; which table and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged(pub String);

/// What a column holds, whichever database it came from: yes and no are 1 and 0, an id is its 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'row> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(&'row str),
    /// Bytes.
    Bytes(&'row [u8]),
}

/// A row as a database gave it.
pub trait Columns {
    /// What stands in a column, counted from 0; none where it is nothing of these kinds.
    fn value(&self, place: usize) -> Option<Value<'_>>;

    /// The column's name.
    fn name(&self, place: usize) -> Option<&str>;
}

/// A row, and how far it has been read.
pub struct Fields<'row> {
    row: &'row dyn Columns,
    table: &'static str,
    next: usize,
}

impl<'row> Fields<'row> {
    /// A row of `table`, at its first column.
    pub fn new(row: &'row dyn Columns, table: &'static str) -> Self {
        Self { row, table, next: 0 }
    }

    /// What is told when a value is not one that this program writes.
    fn damaged(&self) -> Damaged {
        let column = self.row.name(self.next.saturating_sub(1)).unwrap_or("?");
        Damaged(format!("{}.{column}", self.table))
    }

    fn value(&mut self) -> Result<Value<'row>, Damaged> {
        let value = self.row.value(self.next);
        self.next += 1;
        self.some(value)
    }

    fn some<T>(&self, value: Option<T>) -> Result<T, Damaged> {
        value.ok_or_else(|| self.damaged())
    }

    /// A text, or none.
    pub fn text_or_none(&mut self) -> Result<Option<&'row str>, Damaged> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(self.damaged()),
        }
    }

    /// A text.
    pub fn text(&mut self) -> Result<&'row str, Damaged> {
        let text = self.text_or_none()?;
        self.some(text)
    }

    /// A whole number, or none.
    pub fn integer_or_none(&mut self) -> Result<Option<i64>, Damaged> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Integer(integer) => Ok(Some(integer)),
            _ => Err(self.damaged()),
        }
    }

    /// A whole number.
    pub fn integer(&mut self) -> Result<i64, Damaged> {
        let integer = self.integer_or_none()?;
        self.some(integer)
    }

    /// Bytes, or none.
    pub fn bytes_or_none(&mut self) -> Result<Option<&'row [u8]>, Damaged> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes)),
            _ => Err(self.damaged()),
        }
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Result<&'row [u8], Damaged> {
        let bytes = self.bytes_or_none()?;
        self.some(bytes)
    }

    /// A text of a kind of its own, or none.
    pub fn parsed_or_none<T: TryFrom<&'row str>>(&mut self) -> Result<Option<T>, Damaged> {
        let text = self.text_or_none()?;
        text.map(|text| T::try_from(text).map_err(|_| self.damaged())).transpose()
    }

    /// A text of a kind of its own.
    pub fn parsed<T: TryFrom<&'row str>>(&mut self) -> Result<T, Damaged> {
        let text = self.text()?;
        T::try_from(text).map_err(|_| self.damaged())
    }

    /// A word of a list.
    pub fn word<T>(&mut self, from_word: impl Fn(&str) -> Option<T>) -> Result<T, Damaged> {
        let word = self.text()?;
        self.some(from_word(word))
    }

    /// A whole number within the bounds of a type, or none.
    pub fn number_or_none<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, Damaged> {
        let integer = self.integer_or_none()?;
        integer.map(|integer| T::try_from(integer).map_err(|_| self.damaged())).transpose()
    }

    /// A whole number within the bounds of a type.
    pub fn number<T: TryFrom<i64>>(&mut self) -> Result<T, Damaged> {
        let number = self.number_or_none()?;
        self.some(number)
    }

    /// Yes or no, written as 1 or 0, or none.
    pub fn flag_or_none(&mut self) -> Result<Option<bool>, Damaged> {
        match self.integer_or_none()? {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(_) => Err(self.damaged()),
        }
    }

    /// Yes or no, written as 1 or 0.
    pub fn flag(&mut self) -> Result<bool, Damaged> {
        let flag = self.flag_or_none()?;
        self.some(flag)
    }

    /// An amount.
    pub fn amount(&mut self) -> Result<Amount, Damaged> {
        self.number()
    }

    /// A currency.
    pub fn currency(&mut self) -> Result<Currency, Damaged> {
        self.parsed()
    }

    /// An instant.
    pub fn time(&mut self) -> Result<Timestamp, Damaged> {
        self.number()
    }

    /// An instant, or none.
    pub fn time_or_none(&mut self) -> Result<Option<Timestamp>, Damaged> {
        self.number_or_none()
    }

    /// An id, or none.
    pub fn id_or_none<T: From<Uuid>>(&mut self) -> Result<Option<T>, Damaged> {
        let bytes = self.bytes_or_none()?;
        let id = |bytes| Uuid::from_slice(bytes).map(T::from).map_err(|_| self.damaged());
        bytes.map(id).transpose()
    }

    /// An id.
    pub fn id<T: From<Uuid>>(&mut self) -> Result<T, Damaged> {
        let id = self.id_or_none()?;
        self.some(id)
    }

    /// A keyed hash, or none.
    pub fn mac_or_none(&mut self) -> Result<Option<[u8; 32]>, Damaged> {
        let bytes = self.bytes_or_none()?;
        bytes.map(|bytes| <[u8; 32]>::try_from(bytes).map_err(|_| self.damaged())).transpose()
    }

    /// A keyed hash.
    pub fn mac(&mut self) -> Result<[u8; 32], Damaged> {
        let mac = self.mac_or_none()?;
        self.some(mac)
    }
}
