//! Text to numbers.
//!
//! Literals, JSON numbers and `tonumber` share one grammar: a sign, digits with a point anywhere
//! among them, and after `e` a power of ten or after `p` a power of two. The digits are taken as an
//! exact integer, scaled by a power of five worked out with bits to spare, and rounded once; that
//! costs the same for any exponent.

use num_bigint::BigUint;

use super::{ArithmeticError, Number, TEXT_PRECISION, binary::Binary};

/// Longest text that is looked at; longer ones are out of range or spell out what cannot matter.
const MAX_LENGTH: usize = 100_000;
/// Exponents beyond this are out of range whatever the digits before them are.
const MAX_WRITTEN_EXPONENT: i64 = 300_000;
/// Bits of the powers of five: those of the result, and some against the rounding of the products.
const POWER_PRECISION: u32 = TEXT_PRECISION + 64;

/// Why a text is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseNumberError {
    /// It is not written as a number is.
    #[error("`{text}` is not a number")]
    Malformed {
        /// The text, shortened when it is long.
        text: String,
    },
    /// It is not written as a whole number is in that base.
    #[error("`{text}` is not a whole number in base {base}")]
    NotAnInteger {
        /// The text, shortened when it is long.
        text: String,
        /// The base that was asked for.
        base: u32,
    },
    /// There is no such base.
    #[error("base {base} is not between 2 and 62")]
    Base {
        /// The base that was asked for.
        base: u32,
    },
    /// It is a number, but one beyond all limits.
    #[error("`{text}` is too large, too small or too long a number")]
    OutOfRange {
        /// The text, shortened when it is long.
        text: String,
    },
}

impl Number {
    /// Reads a decimal number as literals, JSON and `tonumber` write it: `12`, `-1.5`, `+.5`, `5.`,
    /// `1e-3`, and `1p-3` for an eighth.
    ///
    /// Spaces, `_`, `0x` and `Inf` are refused.
    ///
    /// # Errors
    /// When the text is anything else, or its number is out of range.
    pub fn parse(text: &str) -> Result<Self, ParseNumberError> {
        if text.len() > MAX_LENGTH {
            return Err(ParseNumberError::OutOfRange { text: shortened(text) });
        }
        if text.len() <= 18
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(value) = text.parse()
        {
            return Ok(Self::small(value, TEXT_PRECISION));
        }
        let Some(written) = Written::split(text) else {
            return Err(ParseNumberError::Malformed { text: shortened(text) });
        };
        written.number().map_err(|_| ParseNumberError::OutOfRange { text: shortened(text) })
    }

    /// Reads a whole number in a base from 2 to 62, as the function `parseint` does.
    ///
    /// It keeps all digits up to 512 bits. Up to base 36 the case of letters does not matter; above it `a` to `z` come before `A` to `Z`.
    ///
    /// # Errors
    /// When the base is another, when the text is empty or has anything but a sign and digits of the
    /// base, and when its number is out of range.
    pub fn parse_int(text: &str, base: u32) -> Result<Self, ParseNumberError> {
        if !(2..=62).contains(&base) {
            return Err(ParseNumberError::Base { base });
        }
        if text.len() > MAX_LENGTH {
            return Err(ParseNumberError::OutOfRange { text: shortened(text) });
        }
        let (negative, digits) = split_sign(text);
        let digits: Option<Vec<u8>> = digits.bytes().map(|byte| digit_value(byte, base)).collect();
        let mantissa =
            digits.filter(|digits| !digits.is_empty()).and_then(|digits| BigUint::from_radix_be(&digits, base));
        let Some(mantissa) = mantissa else {
            return Err(ParseNumberError::NotAnInteger { text: shortened(text), base });
        };
        let negative = negative && mantissa != BigUint::ZERO;
        Self::from_integer(Binary { negative, mantissa, exponent: 0 })
            .map_err(|_| ParseNumberError::OutOfRange { text: shortened(text) })
    }
}

impl std::str::FromStr for Number {
    type Err = ParseNumberError;

    fn from_str(text: &str) -> Result<Self, ParseNumberError> {
        Self::parse(text)
    }
}

/// A number cut into its parts.
struct Written<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    base: ExponentBase,
    exponent: Exponent,
}

enum ExponentBase {
    Two,
    Ten,
}

enum Exponent {
    Known(i64),
    /// Beyond [`MAX_WRITTEN_EXPONENT`].
    Extreme,
}

impl<'a> Written<'a> {
    fn split(text: &'a str) -> Option<Self> {
        let (negative, unsigned) = split_sign(text);
        let (digits, base, exponent) = match unsigned.find(['e', 'E', 'p', 'P']) {
            None => (unsigned, ExponentBase::Ten, Exponent::Known(0)),
            Some(at) => {
                let base = if unsigned[at..].starts_with(['e', 'E']) { ExponentBase::Ten } else { ExponentBase::Two };
                (&unsigned[..at], base, Exponent::read(&unsigned[at + 1..])?)
            }
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = digits.len() > usize::from(digits.contains('.')) && all_digits(whole) && all_digits(fraction);
        is_number.then_some(Self { negative, whole, fraction, base, exponent })
    }

    fn number(&self) -> Result<Number, ArithmeticError> {
        let digits: Vec<u8> = self.whole.bytes().chain(self.fraction.bytes()).map(|byte| byte - b'0').collect();
        let mantissa = BigUint::from_radix_be(&digits, 10).expect("only digits were let through");
        let Exponent::Known(written) = self.exponent else { return Err(ArithmeticError::OutOfRange) };
        if mantissa == BigUint::ZERO {
            return Number::from_binary(Binary::zero(self.negative), TEXT_PRECISION);
        }
        let fraction = i64::try_from(self.fraction.len()).expect("the length is limited");
        // 10^n is 5^n × 2^n.
        let (fives, twos) = match self.base {
            ExponentBase::Ten => (written - fraction, written - fraction),
            ExponentBase::Two => (-fraction, written - fraction),
        };
        let scaled = Binary { negative: self.negative, mantissa, exponent: twos };
        let exact = match fives {
            0 => scaled,
            1.. => scaled.times(&power_of_five(fives.unsigned_abs())),
            ..0 => scaled.over(&power_of_five(fives.unsigned_abs()), TEXT_PRECISION),
        };
        Number::from_binary(exact, TEXT_PRECISION)
    }
}

impl Exponent {
    fn read(text: &str) -> Option<Self> {
        let (negative, digits) = split_sign(text);
        if digits.is_empty() || !all_digits(digits) {
            return None;
        }
        Some(match digits.parse::<i64>() {
            Ok(exponent) if exponent <= MAX_WRITTEN_EXPONENT => {
                Self::Known(if negative { -exponent } else { exponent })
            }
            Ok(_) | Err(_) => Self::Extreme,
        })
    }
}

/// Returns `5^exponent`, exact as long as its bits suffice.
///
/// The squarings keep more bits than the product, so that their errors do not add up in it.
fn power_of_five(exponent: u64) -> Binary {
    let mut power = Binary::from(1);
    let mut square = Binary::from(5);
    let mut left = exponent;
    while left > 0 {
        if left % 2 == 1 {
            power = power.times(&square).rounded(POWER_PRECISION);
        }
        left /= 2;
        if left > 0 {
            square = square.times(&square).rounded(POWER_PRECISION + 64);
        }
    }
    power
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn digit_value(byte: u8, base: u32) -> Option<u8> {
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'z' => byte - b'a' + 10,
        b'A'..=b'Z' if base <= 36 => byte - b'A' + 10,
        b'A'..=b'Z' => byte - b'A' + 36,
        _ => return None,
    };
    (u32::from(value) < base).then_some(value)
}

/// Returns the text as errors quote it.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::{Number, ParseNumberError};

    #[test]
    fn what_tonumber_takes_is_taken() {
        for (text, printed) in [
            ("12", "12"),
            ("+1", "1"),
            ("-1", "-1"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("5.e3", "5000"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("1e-3", "0.001"),
            ("1p3", "8"),
            ("1.5P1", "3"),
            ("1p-3", "0.125"),
            ("-0", "-0"),
            ("0e5", "0"),
        ] {
            assert_eq!(Number::parse(text).unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn what_tonumber_refuses_is_refused() {
        for text in [
            "", " 1", "1 ", "-", "+", ".", ".e3", "1e", "1e+", "--1", "+-1", "1.5.5", "1e 3", "1e3_0", "1_000", "0x10",
            "0b1", "0x1p3", "1e0x3", "1e5p3", "1e1.5", "Inf", "-inf", "infinity", "NaN", "١", "1é",
        ] {
            let refused = ParseNumberError::Malformed { text: text.to_owned() };
            assert_eq!(Number::parse(text), Err(refused), "{text}");
        }
    }

    #[test]
    fn extreme_exponents_are_refused_at_once() {
        for text in
            ["1e999999999", "-1e-999999999", "1e99999999999999999999", "1p300001", "1e40000", "1e-40000", "1p131073"]
        {
            let refused = ParseNumberError::OutOfRange { text: text.to_owned() };
            assert_eq!(Number::parse(text), Err(refused), "{text}");
        }
        let long = "1".repeat(200_000);
        assert!(Number::parse(&long).unwrap_err().to_string().len() < 200);
        assert_eq!(Number::parse("1e39000").unwrap().to_string().len(), 39_001);
        assert_eq!(Number::parse("1e-39000").unwrap().to_string().len(), 39_002);
    }

    #[test]
    fn parseint_reads_every_base() {
        for (text, base, printed) in [
            ("FF", 16, "255"),
            ("zZ", 62, "2231"),
            ("zz", 36, "1295"),
            ("ZZ", 36, "1295"),
            ("+7", 10, "7"),
            ("-7", 8, "-7"),
            ("-0", 2, "0"),
            ("ffffffffffffffffffffffffffffffff", 16, "340282366920938463463374607431768211455"),
        ] {
            assert_eq!(Number::parse_int(text, base).unwrap().to_string(), printed, "{text}");
        }
        for (text, base) in
            [("", 10), ("-", 10), ("1_0", 10), ("0x1", 16), ("12", 2), (" 1", 10), ("1.0", 10), ("--1", 10)]
        {
            let refused = ParseNumberError::NotAnInteger { text: text.to_owned(), base };
            assert_eq!(Number::parse_int(text, base), Err(refused));
        }
        assert_eq!(Number::parse_int("1", 63), Err(ParseNumberError::Base { base: 63 }));
        assert_eq!(Number::parse_int("1", 1), Err(ParseNumberError::Base { base: 1 }));
    }
}
