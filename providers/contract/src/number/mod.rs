//! Numbers as the language knows them: binary floats of 512 bits, printed in decimal.
//!
//! A [`Number`] carries the precision it was made with, because that decides how many digits it
//! prints and how far a quotient is worked out: 512 bits when written in a configuration, 64 when
//! counted (`length(x)`), 53 when a function went through a machine float (`pow`, `log`). Results
//! take the larger precision of their operands. Every value is finite: what would be infinite or no
//! number at all is an [`ArithmeticError`], and so is a magnitude beyond 2^±131072, so that no
//! literal can make loam print a gigabyte of digits.
//!
//! `binary` is the exact arithmetic and the rounding, `decimal` finds the shortest digits,
//! `compare` says when two numbers are the same. Start in `arithmetic` if a sum is wrong and in
//! `decimal` if it prints wrongly.

mod arithmetic;
mod binary;
mod compare;
mod convert;
mod decimal;
mod elementary;
mod parse;

use std::{fmt, sync::Arc};

use binary::Binary;
use decimal::{Decimal, LowerNeighbour};

pub use parse::ParseNumberError;

/// Bits of mantissa of a number written as text.
const TEXT_PRECISION: u32 = 512;
/// Bits of mantissa, at least, of a number that was counted.
const INTEGER_PRECISION: u32 = 64;
/// Bits of mantissa of a number that came from a machine float.
const FLOAT_PRECISION: u32 = 53;
/// Largest binary exponent, and with a minus the smallest: some 39 000 decimal digits.
const MAX_EXPONENT: i64 = 1 << 17;

/// An arbitrary-precision number: small integers inline, everything else behind an [`Arc`].
///
/// Integers are equal when their values are, fractions when they print the same whatever their
/// precision, and `-0` equals `0`. [`Ord`] and [`Hash`](std::hash::Hash) follow that, so numbers can be
/// keys. The operators `<` and `>` of the language look at the exact binary value instead:
/// [`Number::value_cmp`].
#[derive(Clone)]
pub struct Number(Repr);

/// Why an operation has no finite result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// Something was divided by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// The result is infinite, or its magnitude is beyond 2^±131072.
    #[error("the result is too large or too small to be represented")]
    OutOfRange,
    /// The result is not a number, such as the logarithm of a negative one.
    #[error("the result is not a number")]
    Undefined,
}

/// One representation per value and precision: an integer that fits is always `Small`.
#[derive(Clone)]
enum Repr {
    Small { value: i64, precision: u32 },
    NegativeZero { precision: u32 },
    Big(Arc<Big>),
}

/// A value that is no `i64`; its mantissa is odd and has at most `precision` bits.
struct Big {
    value: Binary,
    precision: u32,
}

impl Number {
    /// Zero, as if written in a configuration.
    pub const ZERO: Self = Self::small(0, TEXT_PRECISION);
    /// One, as if written in a configuration.
    pub const ONE: Self = Self::small(1, TEXT_PRECISION);

    /// Returns whether this is zero of either sign.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match self.0 {
            Repr::Small { value, .. } => value == 0,
            Repr::NegativeZero { .. } => true,
            Repr::Big(_) => false,
        }
    }

    /// Returns whether this is below zero; `-0` is not.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.signum() < 0
    }

    /// Returns whether there is no fraction.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Small { .. } | Repr::NegativeZero { .. } => true,
            Repr::Big(big) => big.value.exponent >= 0,
        }
    }

    /// Returns -1, 0 or 1.
    #[must_use]
    pub fn signum(&self) -> i32 {
        match &self.0 {
            Repr::Small { value, .. } => match value.cmp(&0) {
                std::cmp::Ordering::Less => -1,
                std::cmp::Ordering::Equal => 0,
                std::cmp::Ordering::Greater => 1,
            },
            Repr::NegativeZero { .. } => 0,
            Repr::Big(big) if big.value.negative => -1,
            Repr::Big(_) => 1,
        }
    }

    const fn small(value: i64, precision: u32) -> Self {
        Self(Repr::Small { value, precision })
    }

    /// Rounds to `precision` bits and picks the one representation.
    fn from_binary(exact: Binary, precision: u32) -> Result<Self, ArithmeticError> {
        let value = exact.rounded(precision).normalised();
        if value.is_zero() {
            return Ok(Self(if value.negative {
                Repr::NegativeZero { precision }
            } else {
                Repr::Small { value: 0, precision }
            }));
        }
        if value.magnitude().abs() > MAX_EXPONENT {
            return Err(ArithmeticError::OutOfRange);
        }
        Ok(Self(match value.to_i64() {
            Some(value) => Repr::Small { value, precision },
            None => Repr::Big(Arc::new(Big { value, precision })),
        }))
    }

    fn to_binary(&self) -> Binary {
        match &self.0 {
            Repr::Small { value, .. } => Binary::from(i128::from(*value)),
            Repr::NegativeZero { .. } => Binary::zero(true),
            Repr::Big(big) => big.value.clone(),
        }
    }

    fn precision(&self) -> u32 {
        match &self.0 {
            Repr::Small { precision, .. } | Repr::NegativeZero { precision } => *precision,
            Repr::Big(big) => big.precision,
        }
    }

    fn decimal(&self, lower: LowerNeighbour) -> Decimal {
        Decimal::shortest(&self.to_binary(), self.precision(), lower)
    }
}

impl fmt::Display for Number {
    /// Writes the shortest decimal that tells this number from its neighbours, never with an exponent.
    ///
    /// It is what templates, `tostring` and `jsonencode` give. Digits that the precision does not hold
    /// are zeros, also in integers: `pow(2, 62)` prints `4611686018427388000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::NegativeZero { .. } => f.write_str("-0"),
            Repr::Small { value, precision }
                if *precision >= INTEGER_PRECISION || value.unsigned_abs() < 1 << precision =>
            {
                write!(f, "{value}")
            }
            Repr::Small { .. } | Repr::Big(_) => self.decimal(LowerNeighbour::HalfUnit).fmt(f),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn a_number_is_two_words_and_crosses_threads() {
        fn crosses_threads<T: Send + Sync>() {}
        crosses_threads::<Number>();
        assert!(size_of::<Number>() <= 16);
    }
}
