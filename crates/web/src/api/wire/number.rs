//! Whole numbers of one operation or two, each within its own bounds.

use domain::{Adjustment, AdjustmentFault, LockLife};
use utoipa::openapi::schema::ObjectBuilder;

use super::leaf::{limit, within};
use super::{Flaw, Number, numbers};

/// A year in minutes.
const MINUTES_MAX: u32 = 525_600;

/// A century in months.
const MONTHS_MAX: u32 = 1_200;

/// The longest a lock lives, in seconds, as the domain has it.
const LOCK_LIFE_MAX: i64 = 31_536_000;

/// How many minutes, a year at most.
#[derive(Clone, Copy)]
pub(crate) struct Minutes(pub(crate) u32);

/// How many months, at least one and a century at most.
#[derive(Clone, Copy)]
pub(crate) struct Months(pub(crate) u16);

/// How many times, or how many seconds; also none.
#[derive(Clone, Copy)]
pub(crate) struct Count(pub(crate) u32);

numbers!(Minutes, Months, Count, LockLife, Adjustment);

impl Number for Minutes {
    fn parse(number: i64) -> Result<Self, Flaw> {
        within(number, 0, MINUTES_MAX).map(Self)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(0)).maximum(Some(limit(i64::from(MINUTES_MAX))))
    }
}

impl Number for Months {
    fn parse(number: i64) -> Result<Self, Flaw> {
        let months = within(number, 1, MONTHS_MAX)?;
        u16::try_from(months).map(Self).map_err(Flaw::new)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(1)).maximum(Some(limit(i64::from(MONTHS_MAX))))
    }
}

impl Number for Count {
    fn parse(number: i64) -> Result<Self, Flaw> {
        within(number, 0, u32::MAX).map(Self)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(0)).maximum(Some(limit(i64::from(u32::MAX))))
    }
}

impl Number for LockLife {
    fn parse(number: i64) -> Result<Self, Flaw> {
        Self::try_from(number).map_err(Flaw::new)
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(1)).maximum(Some(limit(LOCK_LIFE_MAX)))
    }
}

impl Number for Adjustment {
    fn parse(number: i64) -> Result<Self, Flaw> {
        Self::try_from(number).map_err(|fault| match fault {
            AdjustmentFault::Zero => Flaw::new(fault),
            AdjustmentFault::Amount(fault) => Flaw::from(fault),
        })
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.minimum(Some(limit(-domain::MAX_AMOUNT))).maximum(Some(limit(domain::MAX_AMOUNT)))
    }
}
