//! From and to machine numbers and JSON.

use num_bigint::BigUint;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::{
    ArithmeticError, FLOAT_PRECISION, INTEGER_PRECISION, Number, Repr, TEXT_PRECISION, binary::Binary,
    decimal::LowerNeighbour,
};

/// Exponent of the smallest positive `f64`.
const F64_QUANTUM: i64 = -1074;
/// Bits in the fraction of an `f64`.
const F64_FRACTION: u64 = 52;

impl Number {
    /// Returns the value when it is an integer of that range.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small { value, .. } => Some(*value),
            Repr::NegativeZero { .. } => Some(0),
            Repr::Big(_) => None,
        }
    }

    /// Returns the value when it is an integer of that range.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small { value, .. } => u64::try_from(*value).ok(),
            Repr::NegativeZero { .. } => Some(0),
            Repr::Big(big) if big.value.negative || big.value.exponent < 0 || big.value.magnitude() > 64 => None,
            Repr::Big(big) => u64::try_from(&big.value.mantissa << big.value.exponent).ok(),
        }
    }

    /// Returns the value when it is an integer of that range.
    #[must_use]
    pub fn to_usize(&self) -> Option<usize> {
        usize::try_from(self.to_u64()?).ok()
    }

    /// Returns the nearest `f64`, infinite when the magnitude is beyond its range.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        let big = match &self.0 {
            // The language's own conversion rounds to nearest even.
            Repr::Small { value, .. } => return *value as f64,
            Repr::NegativeZero { .. } => return -0.0,
            Repr::Big(big) => &big.value,
        };
        let magnitude = big.magnitude();
        let absolute = if magnitude > 1024 {
            f64::INFINITY
        } else {
            let quantum = (magnitude - i64::from(FLOAT_PRECISION)).max(F64_QUANTUM);
            let units = u64::try_from(big.in_units_of(quantum)).expect("53 bits, or 2^53 after rounding up");
            units as f64 * power_of_two(quantum)
        };
        if big.negative { -absolute } else { absolute }
    }
}

impl From<i64> for Number {
    /// A counted number, of 64 bits.
    fn from(value: i64) -> Self {
        Self::small(value, INTEGER_PRECISION)
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Self {
        Self::from(i64::from(value))
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::from(i64::from(value))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::from(i128::from(value))
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

impl From<i128> for Number {
    /// A counted number, of 64 bits or as many as it needs.
    fn from(value: i128) -> Self {
        Self::from_integer(Binary::from(value)).expect("128 bits are in range")
    }
}

impl TryFrom<f64> for Number {
    type Error = ArithmeticError;

    /// Takes exactly this value, with 53 bits of precision.
    fn try_from(value: f64) -> Result<Self, ArithmeticError> {
        if value.is_nan() {
            return Err(ArithmeticError::Undefined);
        }
        if value.is_infinite() {
            return Err(ArithmeticError::OutOfRange);
        }
        let fraction = value.to_bits() & ((1 << F64_FRACTION) - 1);
        let biased = i64::try_from(value.to_bits() >> F64_FRACTION & 0x7FF).expect("eleven bits");
        let (mantissa, exponent) = match biased {
            0 => (fraction, F64_QUANTUM),
            _ => (fraction | 1 << F64_FRACTION, F64_QUANTUM + biased - 1),
        };
        let exact = Binary { negative: value.is_sign_negative(), mantissa: BigUint::from(mantissa), exponent };
        Self::from_binary(exact, FLOAT_PRECISION)
    }
}

impl Number {
    /// Takes an integer with all its bits up to 512, and with 64 when it has fewer.
    pub(super) fn from_integer(exact: Binary) -> Result<Self, ArithmeticError> {
        let needed = u32::try_from(exact.mantissa.bits()).map_err(|_| ArithmeticError::OutOfRange)?;
        Self::from_binary(exact, needed.clamp(INTEGER_PRECISION, TEXT_PRECISION))
    }
}

impl Serialize for Number {
    /// Writes a JSON number with all the digits that reading back an equal number takes.
    ///
    /// That makes it more exact than [`Display`](std::fmt::Display), and so than `jsonencode`, for
    /// integers of 53 bits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = match &self.0 {
            Repr::Small { value, .. } => return serializer.serialize_i64(*value),
            Repr::NegativeZero { .. } => "-0".to_owned(),
            Repr::Big(big) if self.is_integer() && big.precision < TEXT_PRECISION => {
                let sign = if big.value.negative { "-" } else { "" };
                format!("{sign}{}", &big.value.mantissa << big.value.exponent)
            }
            Repr::Big(_) => self.decimal(LowerNeighbour::True).to_string(),
        };
        text.parse::<serde_json::Number>().map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Self::parse(number.as_str()).map_err(de::Error::custom)
    }
}

/// Returns `2^exponent` for the exponents of an `f64`.
pub(super) fn power_of_two(exponent: i64) -> f64 {
    match u64::try_from(exponent + 1023) {
        Ok(biased @ 1..) => f64::from_bits(biased << F64_FRACTION),
        Ok(0) | Err(_) => f64::from_bits(1 << (exponent - F64_QUANTUM)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{ArithmeticError, Number};

    #[test]
    fn floats_go_in_and_out_unchanged() {
        let tiny = f64::from_bits(1);
        for value in [
            0.0,
            -0.0,
            1.0,
            -1.5,
            0.1,
            f64::MAX,
            f64::MIN,
            f64::MIN_POSITIVE,
            tiny,
            -tiny,
            2f64.powi(63),
            2f64.powi(-1030),
        ] {
            let number = Number::try_from(value).unwrap();
            assert_eq!(number.to_f64().to_bits(), value.to_bits(), "{value:e}");
        }
        assert_eq!(Number::try_from(f64::NAN), Err(ArithmeticError::Undefined));
        assert_eq!(Number::try_from(f64::NEG_INFINITY), Err(ArithmeticError::OutOfRange));
    }

    #[test]
    fn the_nearest_float_is_the_one_rust_reads() {
        for text in [
            "0.1",
            "1e23",
            "9007199254740993",
            "9007199254740992.5",
            "179769313486231580793e289",
            "1e308",
            "1e309",
            "-1e400",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "1e-400",
            "2.2250738585072011e-308",
        ] {
            assert_eq!(
                Number::parse(text).unwrap().to_f64().to_bits(),
                text.parse::<f64>().unwrap().to_bits(),
                "{text}"
            );
        }
    }

    #[test]
    fn integers_come_out_only_when_they_fit() {
        for (text, signed, unsigned) in [
            ("0", Some(0), Some(0)),
            ("-0", Some(0), Some(0)),
            ("-9223372036854775808", Some(i64::MIN), None),
            ("9223372036854775807", Some(i64::MAX), Some(u64::MAX / 2)),
            ("9223372036854775808", None, Some(1 << 63)),
            ("18446744073709551615", None, Some(u64::MAX)),
            ("18446744073709551616", None, None),
            ("-9223372036854775809", None, None),
            ("1.5", None, None),
            ("1e1", Some(10), Some(10)),
        ] {
            let number = Number::parse(text).unwrap();
            assert_eq!((number.to_i64(), number.to_u64()), (signed, unsigned), "{text}");
        }
        assert_eq!(Number::from(usize::MAX).to_usize(), Some(usize::MAX));
        assert_eq!(Number::from(i128::MIN).to_string(), i128::MIN.to_string());
    }

    #[test]
    fn json_keeps_every_digit() {
        for text in ["0", "-0", "12", "-1.5", "0.1", "1e100", "123456789012345678901234567890.123456789", "1e-30"] {
            let number = Number::parse(text).unwrap();
            let json = serde_json::to_string(&number).unwrap();
            assert_eq!(json, number.to_string());
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::from_value::<Number>(value).unwrap(), number);
        }
        let third = Number::ONE.checked_div(&Number::parse("3").unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<Number>(&serde_json::to_string(&third).unwrap()).unwrap(), third);
        assert!(serde_json::from_str::<Number>("\"1\"").is_err());
        assert!(serde_json::from_str::<Number>("1e999999999").is_err());
    }

    #[test]
    fn json_keeps_numbers_of_every_precision() {
        for value in [0.1, -1.5, 2f64.powi(62), 2f64.powi(100), -3f64.powi(200), f64::MAX, 5e-324] {
            let number = Number::try_from(value).unwrap();
            let json = serde_json::to_string(&number).unwrap();
            assert_eq!(serde_json::from_str::<Number>(&json).unwrap(), number, "{json}");
        }
        let counted = Number::from(1).checked_div(&Number::from(3)).unwrap();
        let json = serde_json::to_string(&counted).unwrap();
        assert_eq!(json, "0.33333333333333333334");
        assert_eq!(serde_json::from_str::<Number>(&json).unwrap(), counted);
    }

    #[test]
    fn json_keeps_powers_of_two() {
        for exponent in (-3000..3000).step_by(7) {
            let text = format!("1p{exponent}");
            let number = Number::parse(&text).unwrap();
            let json = serde_json::to_string(&number).unwrap();
            assert_eq!(
                serde_json::from_str::<Number>(&json).unwrap().value_cmp(&number),
                std::cmp::Ordering::Equal,
                "{text}"
            );
        }
    }
}
