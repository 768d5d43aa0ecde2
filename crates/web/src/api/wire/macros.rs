//! The tables of fields.

/// A body that is read. Each field is optional in the struct; `[required]` ones have been given when no fault
/// was found.
///
/// ```text
/// wire! {
///     /// One card of a batch.
///     pub(crate) struct BatchCard as "NameInTheDocument" {
///         /// The card's own id.
///         card_id: CardId [required],
///         /// What it is given for.
///         kind as "type": CardType,
///     }
/// }
/// ```
macro_rules! wire {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $shown:literal) => { $shown };
    (@required) => { false };
    (@required required) => { true };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $(as $schema:literal)? {
            $($(#[doc = $field_doc:literal])* $field:ident $(as $shown:literal)?: $type:ty $([$required:ident])?),*
            $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Default)]
        $vis struct $name {
            $($(#[doc = $field_doc])* pub(crate) $field: Option<$type>,)*
        }

        impl $crate::api::wire::Described for $name {
            fn schema(schemas: &mut $crate::api::wire::Schemas)
                -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>
            {
                let name = $crate::api::wire::schema_name!($name $(as $schema)?);
                $crate::api::wire::named(schemas, name, |schemas| {
                    let _ = &schemas;
                    let object = utoipa::openapi::schema::ObjectBuilder::new()
                        .description(Some($crate::api::wire::text_of(&[$($doc),*])));
                    $(
                        let field = <$type as $crate::api::wire::Described>::schema(schemas);
                        let field = $crate::api::wire::described(field, &[$($field_doc),*]);
                        let object = object.property(wire!(@name $field $($shown)?), field);
                        let object = if wire!(@required $($required)?) {
                            object.required(wire!(@name $field $($shown)?))
                        } else {
                            object
                        };
                    )*
                    object.build()
                })
            }
        }

        impl $crate::api::wire::Wire for $name {
            fn take<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct FieldsVisitor;
                impl<'de> serde::de::Visitor<'de> for FieldsVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut read = $name::default();
                        let mut names = $crate::api::wire::Names::default();
                        while let Some($crate::api::wire::Name(name)) = map.next_key()? {
                            match name.as_ref() {
                                $(wire!(@name $field $($shown)?) => {
                                    $crate::api::wire::field(&mut map, &mut read.$field)?;
                                })*
                                _ => {
                                    map.next_value::<$crate::api::wire::Sound>()?;
                                }
                            }
                            names.check(name)?;
                        }
                        $(
                            if wire!(@required $($required)?) && read.$field.is_none() {
                                return Err(serde::de::Error::missing_field(wire!(@name $field $($shown)?)));
                            }
                        )*
                        Ok(read)
                    }
                }
                from.deserialize_map(FieldsVisitor)
            }

            fn read(value: &serde_json::Value, faults: &mut $crate::api::wire::Faults) -> Option<Self> {
                if !value.is_object() {
                    faults.add("must be an object");
                    return Some(Self::default());
                }
                Some(Self {
                    $($field: $crate::api::wire::read_field(
                        value,
                        wire!(@name $field $($shown)?),
                        wire!(@required $($required)?),
                        faults,
                    ),)*
                })
            }
        }
    };
}

/// A body that is written. `..name: Type` puts the fields of another such struct among these.
macro_rules! answer {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $shown:literal) => { $shown };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? $(as $schema:literal)? {
            $(..$part:ident: $part_type:ty,)*
            $($(#[doc = $field_doc:literal])* $field:ident $(as $shown:literal)?: $type:ty),*
            $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        $vis struct $name $(<$life>)? {
            $(pub(crate) $part: $part_type,)*
            $($(#[doc = $field_doc])* pub(crate) $field: $type,)*
        }

        impl $(<$life>)? $name $(<$life>)? {
            /// Writes the fields into an object that others have begun.
            pub(crate) fn write_fields<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(self.$part.write_fields(map)?;)*
                $(
                    if !$crate::api::wire::Answer::is_absent(&self.$field) {
                        map.serialize_entry(
                            answer!(@name $field $($shown)?),
                            &$crate::api::wire::Out(&self.$field),
                        )?;
                    }
                )*
                Ok(())
            }

            /// Adds the fields to a schema that others have begun.
            pub(crate) fn describe_fields(
                object: utoipa::openapi::schema::ObjectBuilder,
                schemas: &mut $crate::api::wire::Schemas,
            ) -> utoipa::openapi::schema::ObjectBuilder {
                let _ = &schemas;
                $(let object = <$part_type>::describe_fields(object, schemas);)*
                $(
                    let field = <$type as $crate::api::wire::Described>::schema(schemas);
                    let field = $crate::api::wire::described(field, &[$($field_doc),*]);
                    let object = object.property(answer!(@name $field $($shown)?), field);
                    let object = if <$type as $crate::api::wire::Described>::OPTIONAL {
                        object
                    } else {
                        object.required(answer!(@name $field $($shown)?))
                    };
                )*
                object
            }
        }

        impl $(<$life>)? $crate::api::wire::Described for $name $(<$life>)? {
            fn schema(schemas: &mut $crate::api::wire::Schemas)
                -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>
            {
                let name = $crate::api::wire::schema_name!($name $(as $schema)?);
                $crate::api::wire::named(schemas, name, |schemas| {
                    let object = utoipa::openapi::schema::ObjectBuilder::new()
                        .description(Some($crate::api::wire::text_of(&[$($doc),*])));
                    Self::describe_fields(object, schemas).build()
                })
            }
        }

        impl $(<$life>)? $crate::api::wire::Answer for $name $(<$life>)? {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let mut map = to.serialize_map(None)?;
                self.write_fields(&mut map)?;
                serde::ser::SerializeMap::end(map)
            }
        }
    };
}

/// The parameters of a query string; each is optional.
macro_rules! query {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $shown:literal) => { $shown };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $($(#[doc = $field_doc:literal])* $field:ident $(as $shown:literal)?: $type:ty),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Default)]
        $vis struct $name {
            $($(#[doc = $field_doc])* pub(crate) $field: Option<$type>,)*
        }

        impl $crate::api::wire::Parameters for $name {
            fn read(pairs: &$crate::api::wire::QueryPairs, faults: &mut $crate::api::wire::Faults) -> Self {
                Self { $($field: pairs.read(query!(@name $field $($shown)?), faults),)* }
            }

            fn describe() -> Vec<utoipa::openapi::path::Parameter> {
                vec![$($crate::api::wire::parameter::<$type>(
                    query!(@name $field $($shown)?),
                    &[$($field_doc),*],
                )),*]
            }
        }
    };
}

pub(crate) use {answer, query, wire};
