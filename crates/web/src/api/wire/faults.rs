//! Everything that is wrong with a request, and where.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::api::error::Code;

/// More faults than this are not told: whoever has as many has one cause for all.
const FAULTS_MAX: usize = 10_000;

/// One step of the way to a value inside a body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A place in a list, from 0.
    Index(usize),
    /// A field by its name.
    Field(Cow<'static, str>),
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    /// What kind of wrong.
    pub(crate) code: Code,
    /// What is wrong, for a person.
    pub(crate) message: Cow<'static, str>,
    /// Where.
    pub(crate) path: Vec<Step>,
    /// The numbers of the message, for a program.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) details: Map<String, Value>,
}

/// The faults found so far, and the place that is being looked at.
#[derive(Default)]
pub(crate) struct Faults {
    found: Vec<Fault>,
    /// Told only where nothing else is.
    last: Vec<Fault>,
    place: Vec<Step>,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Index(index) => index.serialize(to),
            Self::Field(name) => to.serialize_str(name),
        }
    }
}

impl From<&'static str> for Step {
    fn from(name: &'static str) -> Self {
        Self::Field(Cow::Borrowed(name))
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl Fault {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>, path: Vec<Step>) -> Self {
        Self { code, message: message.into(), path, details: Map::new() }
    }
}

impl Faults {
    /// Looks at what stands at `step` below the present place.
    pub(crate) fn within<T>(&mut self, step: impl Into<Step>, look: impl FnOnce(&mut Self) -> T) -> T {
        self.enter(step.into());
        let found = look(self);
        self.leave();
        found
    }

    pub(super) fn enter(&mut self, step: Step) {
        self.place.push(step);
    }

    pub(super) fn leave(&mut self) {
        self.place.pop();
    }

    /// Notes a fault at the present place.
    pub(crate) fn add(&mut self, message: impl Into<Cow<'static, str>>) {
        self.add_as(Code::InvalidRequest, message);
    }

    /// Notes a fault of a certain kind at the present place.
    pub(crate) fn add_as(&mut self, code: Code, message: impl Into<Cow<'static, str>>) {
        if self.found.len() < FAULTS_MAX {
            self.found.push(Fault::new(code, message, self.place.clone()));
        }
    }

    /// Notes a fault at the present place that counts only where no other is found.
    pub(crate) fn add_last(&mut self, message: &'static str) {
        if self.last.len() < FAULTS_MAX {
            self.last.push(Fault::new(Code::InvalidRequest, message, self.place.clone()));
        }
    }

    /// Notes a fault at a place below the present one.
    pub(crate) fn add_at(&mut self, step: impl Into<Step>, message: impl Into<Cow<'static, str>>) {
        self.within(step, |faults| faults.add(message));
    }

    /// Whether nothing is wrong with any of these fields of the present place.
    pub(crate) fn is_clean_at(&self, fields: &[&'static str]) -> bool {
        let at_field = |fault: &Fault| {
            let below = fault.path.strip_prefix(self.place.as_slice()).and_then(|rest| rest.first());
            fields.iter().any(|field| below == Some(&Step::from(*field)))
        };
        !self.found.iter().any(at_field)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.last.is_empty()
    }

    /// The faults in the order of their places, one for each place.
    pub(crate) fn into_sorted(self) -> Vec<Fault> {
        let mut found = self.found;
        found.extend(self.last);
        found.sort_by(|one, other| one.path.cmp(&other.path));
        found.dedup_by(|later, first| later.path == first.path);
        found
    }
}
