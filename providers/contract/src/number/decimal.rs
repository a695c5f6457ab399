//! The shortest decimal that tells a binary number from its neighbours.
//!
//! A number of `p` bits stands for every decimal that lies no further from it than half the weight of
//! its last bit. Of those the one with the fewest digits is printed, and of two such the nearer.
//! The number and both ends of that range are scaled to integers of enough digits, and then compared
//! from the first digit on until cutting off or rounding up stays inside.

use std::{cmp::Ordering, fmt};

use num_bigint::BigUint;

use super::binary::{Binary, bits};

/// `0.d₁d₂… × 10^point`, without zeros at either end; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    negative: bool,
    point: i64,
    digits: Vec<u8>,
}

/// Where the range of a power of two begins, whose lower neighbour is only half as far as its upper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LowerNeighbour {
    /// Half the last bit's weight below, as if it were not: what Terraform prints.
    HalfUnit,
    /// A quarter: what reading the digits back needs.
    True,
}

impl Decimal {
    /// Finds the shortest digits of a number with at most `precision` bits.
    pub(super) fn shortest(value: &Binary, precision: u32, lower: LowerNeighbour) -> Self {
        if value.is_zero() {
            return Self { negative: false, point: 0, digits: Vec::new() };
        }
        let value = value.clone().normalised();
        let spare = i64::from(precision) - bits(&value.mantissa);
        let is_power_of_two = value.mantissa.count_ones() == 1;
        // In quarters of the last bit's weight, so that both ends of the range are integers.
        let quarters = &value.mantissa << (spare + 2);
        let exponent = value.exponent - spare - 2;
        let below = if is_power_of_two && lower == LowerNeighbour::True { 1u8 } else { 2u8 };
        // An even mantissa wins ties, so the ends themselves round to it.
        let ends = if quarters.bit(2) { Ends::Excluded } else { Ends::Included };

        let scale = Scale::for_digits(i64::from(precision) * 30103 / 100_000 + 5, value.magnitude(), exponent);
        let upper = scale.digits(&(&quarters + 2u8));
        let lower = scale.digits(&(&quarters - below)).padded(upper.digits.len());
        let middle = scale.digits(&quarters).padded(upper.digits.len());
        let point = i64::try_from(upper.digits.len()).expect("a few hundred digits") - scale.tens;
        Self::trimmed(value.negative, point, choose(&lower, &middle, &upper, ends))
    }

    fn trimmed(negative: bool, point: i64, mut digits: Vec<u8>) -> Self {
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        Self { negative, point: point - i64::try_from(zeros).expect("a few hundred digits"), digits }
    }

    fn signum(&self) -> i32 {
        if self.digits.is_empty() { 0 } else { 1 - 2 * i32::from(self.negative) }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.signum().cmp(&other.signum()).then_with(|| {
            let absolute = self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { absolute.reverse() } else { absolute }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = str::from_utf8(&self.digits).expect("ASCII digits");
        let sign = if self.negative { "-" } else { "" };
        let width = usize::try_from(self.point.unsigned_abs()).expect("exponents are limited");
        match self.point {
            _ if digits.is_empty() => write!(f, "{sign}0"),
            ..=0 => write!(f, "{sign}0.{:0<width$}{digits}", ""),
            _ if digits.len() <= width => write!(f, "{sign}{digits:0<width$}"),
            _ => write!(f, "{sign}{}.{}", &digits[..width], &digits[width..]),
        }
    }
}

/// Whether the ends of the range belong to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Included,
    Excluded,
}

/// A multiplication by `2^exponent × 10^tens` and a division that keep the wanted digits as an integer.
struct Scale {
    tens: i64,
    factor: BigUint,
    divisor: BigUint,
}

impl Scale {
    /// Scales values `n × 2^exponent` near `2^magnitude` to about `wanted` digits.
    fn for_digits(wanted: i64, magnitude: i64, exponent: i64) -> Self {
        let tens = wanted - (magnitude * 30103).div_euclid(100_000);
        let fives = BigUint::from(5u8).pow(u32::try_from(tens.unsigned_abs()).expect("exponents are limited"));
        let (factor, divisor) = if tens < 0 { (BigUint::from(1u8), fives) } else { (fives, BigUint::from(1u8)) };
        let twos = exponent + tens;
        if twos < 0 {
            Self { tens, factor, divisor: divisor << twos.unsigned_abs() }
        } else {
            Self { tens, factor: factor << twos, divisor }
        }
    }

    fn digits(&self, value: &BigUint) -> Digits {
        let scaled = value * &self.factor;
        let whole = &scaled / &self.divisor;
        let is_exact = &whole * &self.divisor == scaled;
        let digits = whole.to_str_radix(10).into_bytes();
        let end =
            if is_exact { digits.iter().rposition(|digit| *digit != b'0').map_or(0, |i| i + 1) } else { usize::MAX };
        Digits { digits, end }
    }
}

/// Leading digits of a value, and after how many of them nothing but zeros follows.
struct Digits {
    digits: Vec<u8>,
    end: usize,
}

impl Digits {
    fn padded(mut self, width: usize) -> Self {
        let missing = width.saturating_sub(self.digits.len());
        self.digits.splice(..0, std::iter::repeat_n(b'0', missing));
        self.end = self.end.saturating_add(missing);
        self
    }
}

/// Returns the shortest digits inside the range, all three being given over the same power of ten.
fn choose(lower: &Digits, middle: &Digits, upper: &Digits, ends: Ends) -> Vec<u8> {
    let mut upper_is_reached = false;
    for (i, ((&low, &digit), &high)) in lower.digits.iter().zip(&middle.digits).zip(&upper.digits).enumerate() {
        let kept = i + 1;
        // All three agree before this digit, so the first difference decides.
        let can_cut = low != digit || ends == Ends::Included && kept >= lower.end;
        let mut can_raise = false;
        if digit != high && !upper_is_reached {
            can_raise = ends == Ends::Included || digit + 1 < high || kept < upper.end;
            // The upper end has no digits left and is itself outside. From here on only cutting is
            // tried, even where a longer number could be raised: so does Terraform.
            upper_is_reached = !can_raise;
        }
        let prefix = middle.digits[..kept].to_vec();
        match (can_cut, can_raise) {
            (true, true) if is_over_half(middle, kept) => return raised(prefix),
            (true, _) => return prefix,
            (false, true) => return raised(prefix),
            (false, false) => {}
        }
    }
    middle.digits.clone()
}

/// Returns whether the digits from `kept` on are more than half a unit of the last kept one, or half
/// and that one is odd.
fn is_over_half(middle: &Digits, kept: usize) -> bool {
    match middle.digits.get(kept) {
        Some(b'5') if middle.end == kept + 1 => (middle.digits[kept - 1] - b'0') % 2 == 1,
        Some(digit) => *digit >= b'5',
        None => false,
    }
}

/// Adds one to the last digit. The first can not overflow: a range never spans a factor of ten.
fn raised(mut digits: Vec<u8>) -> Vec<u8> {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            break;
        }
        *digit = b'0';
    }
    digits
}
