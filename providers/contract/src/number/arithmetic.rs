//! The operators, each rounded once.
//!
//! Pairs of small integers never leave `i64`; all else goes through [`Binary`].

use std::ops::Neg;

use super::{ArithmeticError, INTEGER_PRECISION, Number, Repr, TEXT_PRECISION, binary::Binary};

impl Number {
    /// Returns the sum.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn checked_add(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let Some((left, right, precision)) = self.integers(other)
            && let Some(sum) = left.checked_add(right)
        {
            return Ok(Self::small(sum, precision));
        }
        Self::from_binary(self.to_binary().plus(&other.to_binary()), self.wider(other))
    }

    /// Returns the difference.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let Some((left, right, precision)) = self.integers(other)
            && let Some(difference) = left.checked_sub(right)
        {
            return Ok(Self::small(difference, precision));
        }
        Self::from_binary(self.to_binary().plus(&other.to_binary().negated()), self.wider(other))
    }

    /// Returns the product. It keeps up to 512 bits even where the operands have fewer.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn checked_mul(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let Some((left, right, precision)) = self.integers(other)
            && let Some(product) = left.checked_mul(right)
            && product != 0
        {
            return Ok(Self::small(product, precision));
        }
        let product = self.to_binary().times(&other.to_binary()).rounded(TEXT_PRECISION).normalised();
        let needed = u32::try_from(product.mantissa.bits()).expect("it was just rounded to 512 bits");
        Self::from_binary(product, self.wider(other).max(needed))
    }

    /// Returns the quotient.
    ///
    /// # Errors
    /// When the divisor is zero, and when the quotient is out of range.
    pub fn checked_div(&self, divisor: &Self) -> Result<Self, ArithmeticError> {
        if divisor.is_zero() {
            return Err(if self.is_zero() { ArithmeticError::Undefined } else { ArithmeticError::DivisionByZero });
        }
        if let Some((left, right, precision)) = self.integers(divisor)
            && left != 0
            && left.checked_rem(right) == Some(0)
        {
            return Ok(Self::small(left / right, precision));
        }
        let precision = self.wider(divisor);
        Self::from_binary(self.to_binary().over(&divisor.to_binary(), precision), precision)
    }

    /// Returns what `%` gives: this number less the divisor times the quotient without its fraction.
    ///
    /// The quotient is rounded before its fraction is dropped, so `5.5 % 0.1` is `0`; a remainder by
    /// zero is the number itself. Both are what Terraform does. The sign is the dividend's.
    ///
    /// # Errors
    /// When the quotient is out of range.
    pub fn checked_rem(&self, divisor: &Self) -> Result<Self, ArithmeticError> {
        if divisor.is_zero() {
            return Ok(self.clone());
        }
        let precision = self.precision();
        if let Some((left, right, _)) = self.integers(divisor)
            && let Some(remainder) = left.checked_rem(right)
        {
            return Ok(Self::small(remainder, precision));
        }
        let whole = self.checked_div(divisor)?.to_binary().truncated().rounded(precision);
        let taken = divisor.to_binary().times(&whole).rounded(precision);
        Self::from_binary(self.to_binary().plus(&taken.negated()), precision)
    }

    /// Returns the number without its sign.
    #[must_use]
    pub fn abs(&self) -> Self {
        match &self.0 {
            Repr::NegativeZero { precision } => Self::small(0, *precision),
            Repr::Small { .. } | Repr::Big(_) if self.is_negative() => -self,
            Repr::Small { .. } | Repr::Big(_) => self.clone(),
        }
    }

    /// Returns the largest integer that is not above this number.
    #[must_use]
    pub fn floor(&self) -> Self {
        let below = if self.is_negative() { Beyond::Next } else { Beyond::Drop };
        self.to_whole(below)
    }

    /// Returns the smallest integer that is not below this number.
    #[must_use]
    pub fn ceil(&self) -> Self {
        let above = if self.is_negative() { Beyond::Drop } else { Beyond::Next };
        self.to_whole(above)
    }

    /// Returns the number without its fraction.
    #[must_use]
    pub fn trunc(&self) -> Self {
        self.to_whole(Beyond::Drop)
    }

    fn to_whole(&self, beyond: Beyond) -> Self {
        let big = match &self.0 {
            Repr::Small { .. } => return self.clone(),
            Repr::NegativeZero { precision } => return Self::small(0, *precision),
            Repr::Big(big) if big.value.exponent >= 0 => return self.clone(),
            Repr::Big(big) => big,
        };
        let mut whole = big.value.truncated();
        match beyond {
            Beyond::Drop => {}
            Beyond::Next => {
                whole.mantissa += 1u8;
                whole.negative = big.value.negative;
            }
        }
        Self::from_binary(whole, big.precision).expect("a fraction has fewer integer digits than its precision")
    }

    fn wider(&self, other: &Self) -> u32 {
        self.precision().max(other.precision())
    }

    /// Returns both values when `i64` arithmetic on them is exact at their precision.
    fn integers(&self, other: &Self) -> Option<(i64, i64, u32)> {
        match (&self.0, &other.0) {
            (Repr::Small { value: left, precision: a }, Repr::Small { value: right, precision: b })
                if *a.min(b) >= INTEGER_PRECISION =>
            {
                Some((*left, *right, *a.max(b)))
            }
            (Repr::Small { .. } | Repr::NegativeZero { .. } | Repr::Big(_), _) => None,
        }
    }
}

/// What becomes of a fraction.
enum Beyond {
    /// It is dropped: towards zero.
    Drop,
    /// It becomes one: away from zero.
    Next,
}

impl Neg for &Number {
    type Output = Number;

    fn neg(self) -> Number {
        let negated = match &self.0 {
            Repr::Small { value: 0, precision } => return Number(Repr::NegativeZero { precision: *precision }),
            Repr::NegativeZero { precision } => return Number::small(0, *precision),
            Repr::Small { value, .. } => Binary::from(-i128::from(*value)),
            Repr::Big(big) => big.value.clone().negated(),
        };
        Number::from_binary(negated, self.precision()).expect("a number's negative is in range when it is")
    }
}

impl Neg for Number {
    type Output = Self;

    fn neg(self) -> Self {
        -&self
    }
}
