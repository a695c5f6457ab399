//! `pow` and `log`, which go through machine floats.
//!
//! The platform's own functions differ in the last digit from one C library to the next, and from
//! Terraform's. These are worked out here with nothing but IEEE operations, in the order that gives
//! Terraform's digits, so that a plan is the same on every machine.

use super::{ArithmeticError, Number, convert::power_of_two};

impl Number {
    /// Returns this number to that power, as the function `pow` does: a number of 53 bits.
    ///
    /// # Errors
    /// When an operand or the result is beyond the range of a machine float, and for a fractional
    /// power of a negative number.
    pub fn pow_f64(&self, power: &Self) -> Result<Self, ArithmeticError> {
        Self::try_from(pow(self.to_finite_f64()?, power.to_finite_f64()?))
    }

    /// Returns the logarithm in that base, as the function `log` does: a number of 53 bits.
    ///
    /// # Errors
    /// When an operand is beyond the range of a machine float, and when there is no such logarithm.
    pub fn log_f64(&self, base: &Self) -> Result<Self, ArithmeticError> {
        Self::try_from(ln(self.to_finite_f64()?) / ln(base.to_finite_f64()?))
    }

    fn to_finite_f64(&self) -> Result<f64, ArithmeticError> {
        let float = self.to_f64();
        if float.is_finite() { Ok(float) } else { Err(ArithmeticError::OutOfRange) }
    }
}

/// Raises a finite float to a finite power: the whole part by squaring, the fraction by `exp` and `ln`.
fn pow(base: f64, power: f64) -> f64 {
    if power == 0.0 || base == 1.0 {
        return 1.0;
    }
    if base == 0.0 {
        let signed = if is_odd(power) { base } else { 0.0 };
        return if power < 0.0 { 1.0 / signed } else { signed };
    }
    if power == 0.5 {
        return base.sqrt();
    }
    if power == -0.5 {
        return 1.0 / base.sqrt();
    }
    let mut whole = power.abs().trunc();
    let mut fraction = power.abs() - whole;
    if fraction != 0.0 && base < 0.0 {
        return f64::NAN;
    }
    if whole >= 2f64.powi(63) {
        return match () {
            () if base == -1.0 => 1.0,
            () if (base.abs() < 1.0) == (power > 0.0) => 0.0,
            () => f64::INFINITY,
        };
    }
    let mut result = 1.0;
    if fraction != 0.0 {
        if fraction > 0.5 {
            fraction -= 1.0;
            whole += 1.0;
        }
        result = exp(fraction * ln(base));
    }
    let (squared, exponent) = powered(base, whole as u64, result);
    if power < 0.0 { scaled(1.0 / squared, -exponent) } else { scaled(squared, exponent) }
}

/// Returns `start × base^power` as a float and a power of two beside it, so that nothing overflows on the way.
fn powered(base: f64, power: u64, start: f64) -> (f64, i64) {
    let (mut square, mut square_exponent) = split(base);
    let (mut result, mut exponent) = (start, 0);
    let mut left = power;
    while left != 0 {
        if square_exponent.abs() > 1 << 12 {
            // Far outside the range already; any further factor only leads further away.
            exponent += square_exponent;
            break;
        }
        if left % 2 == 1 {
            result *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left /= 2;
    }
    (result, exponent)
}

/// Natural logarithm: `x = 2^k (1 + f)` with `1 + f` between √½ and √2, and a polynomial in
/// `s = f / (2 + f)` whose coefficients minimise the error there.
fn ln(x: f64) -> f64 {
    const ODD: [f64; 4] =
        [0.666_666_666_666_673_5, 0.285_714_287_436_623_9, 0.181_835_721_616_180_5, 0.147_981_986_051_165_86];
    const EVEN: [f64; 3] = [0.399_999_999_994_094_2, 0.222_221_984_321_497_84, 0.153_138_376_992_093_73];
    // The logarithm of two in two parts, the first short enough for its product with `k` to be exact.
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;

    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x < 0.0 {
        return f64::NAN;
    }
    let (mut mantissa, mut k) = split(x);
    if mantissa < std::f64::consts::FRAC_1_SQRT_2 {
        mantissa *= 2.0;
        k -= 1;
    }
    let k = k as f64;
    let f = mantissa - 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let s4 = s2 * s2;
    let horner = |coefficients: &[f64]| coefficients.iter().rev().fold(0.0, |sum, c| c + s4 * sum);
    let series = s2 * horner(&ODD) + s4 * horner(&EVEN);
    let half_square = 0.5 * f * f;
    k * LN2_HIGH - ((half_square - (s * (half_square + series) + k * LN2_LOW)) - f)
}

/// Exponential function: `x = k ln 2 + 16 r`, the first terms of `exp(r) - 1`, then four squarings.
fn exp(x: f64) -> f64 {
    const LN2_HIGH: f64 = 0.693_147_180_559_663;
    const LN2_LOW: f64 = 2.823_529_056_303_157_7e-13;
    /// `1 / n!` from the eighth to the first.
    const TERMS: [f64; 8] = [1.0 / 40_320.0, 1.0 / 5_040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0];

    if x > 7.097_827_128_933_84e2 {
        return f64::INFINITY;
    }
    let k = (x * std::f64::consts::LOG2_E).round_ties_even();
    let remainder = (-k).mul_add(LN2_LOW, (-k).mul_add(LN2_HIGH, x)) * 0.0625;
    let series = TERMS[1..].iter().fold(TERMS[0], |sum, term| sum.mul_add(remainder, *term));
    // `e^2r - 1` is `(e^r - 1) (e^r - 1 + 2)`.
    let mut less_one = remainder * series;
    for _ in 0..3 {
        less_one *= less_one + 2.0;
    }
    scaled((less_one + 2.0).mul_add(less_one, 1.0), k as i64)
}

/// Splits into a mantissa from ½ to 1 and a power of two.
fn split(x: f64) -> (f64, i64) {
    let biased = (x.to_bits() >> 52 & 0x7FF) as i64;
    if biased == 0 {
        let (mantissa, exponent) = split(x * power_of_two(64));
        return (mantissa, exponent - 64);
    }
    (f64::from_bits(x.to_bits() & !(0x7FF << 52) | 0x3FE << 52), biased - 0x3FE)
}

/// Returns `x × 2^exponent`, rounded once.
fn scaled(x: f64, exponent: i64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let (mantissa, own) = split(x);
    match own.saturating_add(exponent) {
        1025.. => mantissa * f64::INFINITY,
        total @ -1000..=1024 => mantissa * 2.0 * power_of_two(total - 1),
        total @ -1100..-1000 => mantissa * power_of_two(total + 100) * power_of_two(-100),
        ..-1100 => mantissa * 0.0,
    }
}

fn is_odd(x: f64) -> bool {
    x.abs() % 2.0 == 1.0
}
