//! Exact binary values and their rounding: a sign, an integer, a power of two.
//!
//! Sums and products are exact, quotients are worked out just far enough to be rounded correctly
//! afterwards; [`Binary::rounded`] is the only place where bits are lost.

use std::cmp::Ordering;

use num_bigint::BigUint;

/// `mantissa × 2^exponent`, negated when `negative`; zero keeps its sign.
#[derive(Debug, Clone)]
pub(super) struct Binary {
    pub(super) negative: bool,
    pub(super) mantissa: BigUint,
    pub(super) exponent: i64,
}

impl Binary {
    pub(super) fn zero(negative: bool) -> Self {
        Self { negative, mantissa: BigUint::ZERO, exponent: 0 }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa == BigUint::ZERO
    }

    /// Returns the exponent of the smallest power of two above the absolute value.
    pub(super) fn magnitude(&self) -> i64 {
        bits(&self.mantissa) + self.exponent
    }

    /// Rounds to at most `precision` bits; the nearest, and of two as near the even one.
    pub(super) fn rounded(self, precision: u32) -> Self {
        let excess = self.mantissa.bits().saturating_sub(u64::from(precision));
        if excess == 0 {
            return self;
        }
        let exponent = self.exponent + shift(excess);
        Self { mantissa: shifted_right(&self.mantissa, excess), exponent, ..self }
    }

    /// Moves factors of two from the mantissa into the exponent.
    pub(super) fn normalised(self) -> Self {
        match self.mantissa.trailing_zeros() {
            None => Self::zero(self.negative),
            Some(0) => self,
            Some(zeros) => Self { mantissa: self.mantissa >> zeros, exponent: self.exponent + shift(zeros), ..self },
        }
    }

    pub(super) fn negated(self) -> Self {
        Self { negative: !self.negative, ..self }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Self::zero(self.negative && other.negative),
            (true, false) => return other.clone(),
            (false, true) => return self.clone(),
            (false, false) => {}
        }
        let (left, right, exponent) = self.aligned(other);
        if self.negative == other.negative {
            return Self { negative: self.negative, mantissa: left + right, exponent };
        }
        match left.cmp(&right) {
            Ordering::Equal => Self::zero(false),
            Ordering::Greater => Self { negative: self.negative, mantissa: left - right, exponent },
            Ordering::Less => Self { negative: other.negative, mantissa: right - left, exponent },
        }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let negative = self.negative != other.negative;
        if self.is_zero() || other.is_zero() {
            return Self::zero(negative);
        }
        Self { negative, mantissa: &self.mantissa * &other.mantissa, exponent: self.exponent + other.exponent }
    }

    /// Divides by something that is not zero, far enough that rounding the answer to `precision` bits is
    /// rounding the true quotient: what is left over survives as one last bit.
    pub(super) fn over(&self, divisor: &Self, precision: u32) -> Self {
        let negative = self.negative != divisor.negative;
        if self.is_zero() {
            return Self::zero(negative);
        }
        let missing = i64::from(precision) + 2 + bits(&divisor.mantissa) - bits(&self.mantissa);
        let widened = missing.max(0);
        let dividend = &self.mantissa << widened;
        let quotient = &dividend / &divisor.mantissa;
        let is_exact = &quotient * &divisor.mantissa == dividend;
        let mut mantissa = quotient << 1u8;
        mantissa.set_bit(0, !is_exact);
        Self { negative, mantissa, exponent: self.exponent - divisor.exponent - widened - 1 }
    }

    /// Drops the fraction; the answer's zero is positive.
    pub(super) fn truncated(&self) -> Self {
        let mantissa = match u64::try_from(self.exponent) {
            Ok(left) => &self.mantissa << left,
            Err(_) => &self.mantissa >> self.exponent.unsigned_abs(),
        };
        let negative = self.negative && mantissa != BigUint::ZERO;
        Self { negative, mantissa, exponent: 0 }
    }

    /// Returns the integer nearest to `value / 2^quantum`, without its sign.
    pub(super) fn in_units_of(&self, quantum: i64) -> BigUint {
        let excess = quantum - self.exponent;
        match u64::try_from(excess) {
            Ok(right) => shifted_right(&self.mantissa, right),
            Err(_) => &self.mantissa << excess.unsigned_abs(),
        }
    }

    /// Returns the value when it is an integer of 64 bits.
    pub(super) fn to_i64(&self) -> Option<i64> {
        if self.exponent < 0 || self.magnitude() > 64 {
            return None;
        }
        let absolute = i128::try_from(&self.mantissa << self.exponent).ok()?;
        i64::try_from(if self.negative { -absolute } else { absolute }).ok()
    }

    /// Compares values; the zeros are equal.
    pub(super) fn value_cmp(&self, other: &Self) -> Ordering {
        let sign = |side: &Self| if side.is_zero() { 0 } else { 1 - 2 * i32::from(side.negative) };
        sign(self).cmp(&sign(other)).then_with(|| {
            let absolute = if self.is_zero() {
                Ordering::Equal
            } else {
                self.magnitude().cmp(&other.magnitude()).then_with(|| {
                    let (left, right, _) = self.aligned(other);
                    left.cmp(&right)
                })
            };
            if self.negative { absolute.reverse() } else { absolute }
        })
    }

    /// Returns both mantissas over the smaller exponent.
    fn aligned(&self, other: &Self) -> (BigUint, BigUint, i64) {
        let exponent = self.exponent.min(other.exponent);
        (&self.mantissa << (self.exponent - exponent), &other.mantissa << (other.exponent - exponent), exponent)
    }
}

impl From<i128> for Binary {
    fn from(value: i128) -> Self {
        Self { negative: value < 0, mantissa: BigUint::from(value.unsigned_abs()), exponent: 0 }
    }
}

/// Returns the number of bits, as exponents count them.
pub(super) fn bits(mantissa: &BigUint) -> i64 {
    shift(mantissa.bits())
}

fn shift(bits: u64) -> i64 {
    i64::try_from(bits).expect("an integer in memory has fewer than 2^63 bits")
}

/// Divides by `2^by`; to the nearest, and of two as near to the even one.
fn shifted_right(mantissa: &BigUint, by: u64) -> BigUint {
    let quotient = mantissa >> by;
    let Some(half) = by.checked_sub(1) else { return quotient };
    let is_past_half = mantissa.trailing_zeros().is_some_and(|zeros| zeros < half);
    if mantissa.bit(half) && (is_past_half || quotient.bit(0)) { quotient + 1u8 } else { quotient }
}
