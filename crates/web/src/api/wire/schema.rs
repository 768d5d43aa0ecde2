//! The shape of wire types, as the OpenAPI document tells it.

use std::collections::BTreeMap;

use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};

/// The named schemas of the document.
pub(crate) type Schemas = BTreeMap<String, RefOr<Schema>>;

/// A type with a schema.
pub(crate) trait Described {
    /// Whether a value may be absent.
    const OPTIONAL: bool = false;

    /// The schema; structs put theirs among `schemas` and refer to it by name.
    fn schema(schemas: &mut Schemas) -> RefOr<Schema>;
}

impl<T: Described> Described for Option<T> {
    const OPTIONAL: bool = true;

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        T::schema(schemas)
    }
}

impl<T: Described + ?Sized> Described for &T {
    const OPTIONAL: bool = T::OPTIONAL;

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        T::schema(schemas)
    }
}

impl<T: Described> Described for Vec<T> {
    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        ArrayBuilder::new().items(T::schema(schemas)).build().into()
    }
}

impl<T: Described> Described for [T] {
    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        Vec::<T>::schema(schemas)
    }
}

/// The schema with a description of its own, as a field of a struct has it.
pub(crate) fn described(schema: RefOr<Schema>, lines: &[&str]) -> RefOr<Schema> {
    let text = text_of(lines);
    match schema {
        RefOr::Ref(mut reference) => {
            reference.description = text;
            RefOr::Ref(reference)
        }
        RefOr::T(Schema::Object(object)) => {
            RefOr::T(ObjectBuilder::from(object).description(Some(text)).build().into())
        }
        RefOr::T(Schema::Array(array)) => {
            RefOr::T(ArrayBuilder::from(array).description(Some(text)).build().into())
        }
        RefOr::T(Schema::OneOf(one_of)) => {
            RefOr::T(OneOfBuilder::from(one_of).description(Some(text)).build().into())
        }
        other => other,
    }
}

/// Puts a struct's schema among the named ones and answers a reference to it.
pub(crate) fn named(
    schemas: &mut Schemas,
    name: &str,
    make: impl FnOnce(&mut Schemas) -> Object,
) -> RefOr<Schema> {
    if !schemas.contains_key(name) {
        let object = make(schemas);
        schemas.insert(name.to_owned(), RefOr::T(object.into()));
    }
    RefOr::Ref(Ref::from_schema_name(name))
}

/// Doc lines as one text; an empty one ends a paragraph.
pub(crate) fn text_of(lines: &[&str]) -> String {
    let trimmed: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    let paragraphs = trimmed.split(|line| line.is_empty()).map(|lines| lines.join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// What a struct is called in the document.
macro_rules! schema_name {
    ($name:ident) => {
        stringify!($name)
    };
    ($name:ident as $shown:literal) => {
        $shown
    };
}
pub(crate) use schema_name;
