//! Numbers against Terraform's answers and against exact arithmetic.
//!
//! `number/terraform.tsv` holds expressions in postfix notation and what Terraform 1.11.4 printed for
//! `tostring(…)` of each; `error` where it refused or gave an infinity. `int:` operands were made by
//! `parseint`, `float:` operands by `pow(…, 1)`, all others by `tonumber`.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::cmp::Ordering;

use loam_provider::{ArithmeticError, Number};
use num_bigint::{BigInt, BigUint, Sign};
use proptest::prelude::*;

#[test]
fn terraform_prints_the_same() {
    let mut wrong = Vec::new();
    for line in include_str!("number/terraform.tsv").lines() {
        let (expression, expected) = line.split_once('\t').unwrap();
        let printed = evaluated(expression).unwrap_or_else(|_| "error".to_owned());
        if printed != expected {
            wrong.push(format!("{expression}\n  terraform {expected}\n  loam      {printed}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn evaluated(expression: &str) -> Result<String, ArithmeticError> {
    let mut stack: Vec<Number> = Vec::new();
    for word in expression.split(' ') {
        let value = match word {
            "neg" => -stack.pop().unwrap(),
            "abs" => stack.pop().unwrap().abs(),
            "floor" => stack.pop().unwrap().floor(),
            "ceil" => stack.pop().unwrap().ceil(),
            "add" | "sub" | "mul" | "div" | "rem" | "pow" | "log" | "lt" | "gt" | "eq" => {
                let right = stack.pop().unwrap();
                let left = stack.pop().unwrap();
                match word {
                    "lt" => return Ok((left.value_cmp(&right) == Ordering::Less).to_string()),
                    "gt" => return Ok((left.value_cmp(&right) == Ordering::Greater).to_string()),
                    "eq" => return Ok((left == right).to_string()),
                    "add" => left.checked_add(&right)?,
                    "sub" => left.checked_sub(&right)?,
                    "mul" => left.checked_mul(&right)?,
                    "div" => left.checked_div(&right)?,
                    "rem" => left.checked_rem(&right)?,
                    "pow" => left.pow_f64(&right)?,
                    _ => left.log_f64(&right)?,
                }
            }
            _ => operand(word),
        };
        stack.push(value);
    }
    assert_eq!(stack.len(), 1, "{expression}");
    Ok(stack[0].to_string())
}

fn operand(word: &str) -> Number {
    match word.split_once(':') {
        Some(("int", digits)) => Number::parse_int(digits, 10).unwrap(),
        Some((_, digits)) => Number::parse(digits).unwrap().pow_f64(&Number::ONE).unwrap(),
        None => Number::parse(word).unwrap(),
    }
}

/// Returns `mantissa × 2^exponent` as loam reads it; exact, as the mantissa has at most 512 bits.
fn number(mantissa: &BigInt, exponent: i32) -> Number {
    Number::parse(&format!("{mantissa}p{exponent}")).unwrap()
}

/// Rounds `numerator / denominator` to 512 bits by the definition: of the two neighbours the nearer,
/// of two as near the even one.
fn rounded(numerator: &BigUint, denominator: &BigUint) -> (BigUint, i32) {
    let mut exponent = i32::try_from(numerator.bits()).unwrap() - i32::try_from(denominator.bits()).unwrap() - 512;
    loop {
        let (top, bottom) = if exponent < 0 {
            (numerator << exponent.unsigned_abs(), denominator.clone())
        } else {
            (numerator.clone(), denominator << exponent)
        };
        let below = &top / &bottom;
        if below.bits() > 512 {
            exponent += 1;
            continue;
        }
        let twice_rest = (&top - &below * &bottom) * 2u8;
        let up = match twice_rest.cmp(&bottom) {
            Ordering::Less => false,
            Ordering::Equal => below.bit(0),
            Ordering::Greater => true,
        };
        return (below + u8::from(up), exponent);
    }
}

fn mantissas() -> impl Strategy<Value = BigInt> {
    (any::<bool>(), prop::collection::vec(any::<u32>(), 1..=16)).prop_map(|(negative, limbs)| {
        let magnitude = BigUint::new(limbs) + 1u8;
        let magnitude = if magnitude.bits() > 512 { magnitude >> 1u8 } else { magnitude };
        BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude)
    })
}

/// Mantissas with few bits set, where halves and carries are common.
fn sparse() -> impl Strategy<Value = BigInt> {
    prop::collection::vec((any::<bool>(), 0u32..511), 1..5).prop_map(|bits| {
        let sum: BigInt = bits.into_iter().map(|(minus, bit)| BigInt::from(if minus { -1 } else { 1 }) << bit).sum();
        if sum == BigInt::ZERO { BigInt::from(1) } else { sum }
    })
}

fn any_mantissa() -> impl Strategy<Value = BigInt> {
    prop_oneof![mantissas(), sparse()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printed_numbers_read_back(mantissa in mantissas(), exponent in -3000..3000i32) {
        // Terraform prints a power of two as if its lower neighbour were further away than it is.
        prop_assume!(mantissa.magnitude().count_ones() > 1);
        let value = number(&mantissa, exponent);
        let read = Number::parse(&value.to_string()).unwrap();
        prop_assert_eq!(read.value_cmp(&value), Ordering::Equal);
        prop_assert_eq!(read, value);
    }

    #[test]
    fn json_reads_back(mantissa in any_mantissa(), exponent in -3000..3000i32) {
        let value = number(&mantissa, exponent);
        let read: Number = serde_json::from_str(&serde_json::to_string(&value).unwrap()).unwrap();
        prop_assert_eq!(read.value_cmp(&value), Ordering::Equal);
    }

    #[test]
    fn no_shorter_number_reads_back(mantissa in mantissas(), exponent in -600..-100i32) {
        let text = number(&mantissa, exponent).to_string();
        let value = number(&mantissa, exponent);
        prop_assume!(text.contains('.') && !text.ends_with(".0"));
        let cut = &text[..text.len() - 1];
        prop_assert_ne!(Number::parse(cut).unwrap().value_cmp(&value), Ordering::Equal);
    }

    #[test]
    fn integers_compute_as_in_i128(left in any::<i64>(), right in any::<i64>()) {
        let (a, b) = (i128::from(left), i128::from(right));
        let (x, y) = (Number::from(left), Number::from(right));
        prop_assert_eq!(x.checked_mul(&y).unwrap(), Number::from(a * b));
        prop_assert_eq!(x.checked_add(&y).unwrap().to_string(), (a + b).to_string());
        prop_assert_eq!(x.checked_sub(&y).unwrap().to_string(), (a - b).to_string());
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        if b != 0 {
            prop_assert_eq!(x.checked_rem(&y).unwrap().to_string(), (a % b).to_string());
            prop_assert_eq!(x.checked_mul(&y).unwrap().checked_div(&y).unwrap(), x);
        }
    }

    #[test]
    fn sums_are_rounded_once(a in any_mantissa(), b in any_mantissa(), apart in 0..1100u32) {
        let sum = number(&a, i32::try_from(apart).unwrap()).checked_add(&number(&b, 0)).unwrap();
        let exact = (&a << apart) + &b;
        prop_assume!(exact != BigInt::ZERO);
        let (mantissa, exponent) = rounded(exact.magnitude(), &BigUint::from(1u8));
        prop_assert_eq!(sum, number(&BigInt::from_biguint(exact.sign(), mantissa), exponent));
    }

    #[test]
    fn products_and_quotients_are_rounded_once(a in any_mantissa(), b in any_mantissa()) {
        let (x, y) = (number(&a, 0), number(&b, 0));
        let sign = if a.sign() == b.sign() { Sign::Plus } else { Sign::Minus };
        let (mantissa, exponent) = rounded(&(a.magnitude() * b.magnitude()), &BigUint::from(1u8));
        prop_assert_eq!(x.checked_mul(&y).unwrap(), number(&BigInt::from_biguint(sign, mantissa), exponent));
        let (mantissa, exponent) = rounded(a.magnitude(), b.magnitude());
        prop_assert_eq!(x.checked_div(&y).unwrap(), number(&BigInt::from_biguint(sign, mantissa), exponent));
    }

    #[test]
    fn decimals_are_rounded_once(digits in "[1-9][0-9]{0,250}", exponent in -600..600i32) {
        let ten = BigUint::from(10u8).pow(exponent.unsigned_abs());
        let integer: BigUint = digits.parse().unwrap();
        let one = BigUint::from(1u8);
        let (mantissa, twos) = if exponent < 0 { rounded(&integer, &ten) } else { rounded(&(integer * ten), &one) };
        let read = Number::parse(&format!("{digits}e{exponent}")).unwrap();
        prop_assert_eq!(read, number(&BigInt::from(mantissa), twos));
    }

    #[test]
    fn floor_and_ceil_enclose(mantissa in any_mantissa(), exponent in -600..10i32) {
        let value = number(&mantissa, exponent);
        let (floor, ceil) = (value.floor(), value.ceil());
        prop_assert!(floor.is_integer() && ceil.is_integer());
        prop_assert!(floor <= value && value <= ceil);
        let step = ceil.checked_sub(&floor).unwrap();
        prop_assert_eq!(step, if value.is_integer() { Number::ZERO } else { Number::ONE });
        let towards_zero = if value.is_negative() { ceil } else { floor };
        prop_assert_eq!(value.trunc(), towards_zero);
    }
}
