//! The fast reader: straight into domain types, stopping at the first fault.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;

use super::{Faults, Flaw, Wire};

/// A value of `T`, or what `null` stands for.
pub(crate) struct Slot<T>(pub(crate) Option<T>);

impl<'de, T: Wire> Deserialize<'de> for Slot<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct SlotVisitor<T>(PhantomData<T>);
        impl<'de, T: Wire> Visitor<'de> for SlotVisitor<T> {
            type Value = Slot<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }

            fn visit_none<E>(self) -> Result<Slot<T>, E> {
                Ok(Slot(T::of_null()))
            }

            fn visit_unit<E>(self) -> Result<Slot<T>, E> {
                Ok(Slot(T::of_null()))
            }

            fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Slot<T>, D::Error> {
                T::take(from).map(|value| Slot(Some(value)))
            }
        }
        from.deserialize_option(SlotVisitor(PhantomData))
    }
}

/// A value of `T`, never `null`.
pub(crate) struct Given<T>(pub(crate) T);

impl<'de, T: Wire> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::take(from).map(Given)
    }
}

/// Takes a text through `parse`.
pub(crate) fn text<'de, D: Deserializer<'de>, T>(
    from: D,
    parse: fn(&str) -> Result<T, Flaw>,
) -> Result<T, D::Error> {
    struct TextVisitor<T>(fn(&str) -> Result<T, Flaw>);
    impl<T> Visitor<'_> for TextVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(|flaw| E::custom(flaw.message))
        }
    }
    from.deserialize_str(TextVisitor(parse))
}

/// Takes a whole number through `parse`.
pub(crate) fn number<'de, D: Deserializer<'de>, T>(
    from: D,
    parse: fn(i64) -> Result<T, Flaw>,
) -> Result<T, D::Error> {
    struct NumberVisitor<T>(fn(i64) -> Result<T, Flaw>);
    impl<T> Visitor<'_> for NumberVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
            (self.0)(number).map_err(|flaw| E::custom(flaw.message))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
            self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
        }

        fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
            match immense(number) {
                Some(outermost) => self.visit_i64(outermost),
                None => Err(E::invalid_type(Unexpected::Float(number), &self)),
            }
        }
    }
    from.deserialize_i64(NumberVisitor(parse))
}

/// A whole number beyond what fits, which is as good as the outermost that does. Numbers so large are read as floats,
/// and every float of that size is whole.
pub(super) fn immense(number: f64) -> Option<i64> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let outermost = if number > 0.0 { i64::MAX } else { i64::MIN };
    (number.abs() >= BEYOND).then_some(outermost)
}

/// Takes a list of at most `max` values.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Wire>(from: D, max: usize) -> Result<Vec<T>, D::Error> {
    struct ListVisitor<T>(usize, PhantomData<T>);
    impl<'de, T: Wire> Visitor<'de> for ListVisitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {}", self.0)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(Given(value)) = access.next_element()? {
                if list.len() == self.0 {
                    return Err(A::Error::invalid_length(list.len(), &self));
                }
                list.push(value);
            }
            Ok(list)
        }
    }
    from.deserialize_seq(ListVisitor(max, PhantomData))
}

/// Takes the value of a struct's field; `required` says whether `null` will not do.
pub(crate) fn field<'de, A: MapAccess<'de>, T: Wire>(
    map: &mut A,
    into: &mut Option<T>,
) -> Result<(), A::Error> {
    let Slot(value) = map.next_value()?;
    *into = value;
    Ok(())
}

/// Reads a field out of an object, noting whatever is wrong with it.
pub(crate) fn read_field<T: Wire>(
    object: &Value,
    name: &'static str,
    required: bool,
    faults: &mut Faults,
) -> Option<T> {
    faults.within(name, |faults| match object.get(name) {
        None | Some(Value::Null) => {
            let meant = object.get(name).and_then(|_| T::of_null());
            if required && meant.is_none() {
                faults.add("is required");
            }
            meant
        }
        Some(value) => T::read(value, faults),
    })
}
