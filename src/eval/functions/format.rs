//! `format` and `formatlist`: verbs as Go has them.

use std::cmp::Ordering;

use loam_provider::{Number, Type, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{Fault, Function, Param, Want, json, text};

const SPEC: Param = Param::new("format", Want::String);
const ARGS: Param = Param::nullable("args", Want::Any);
/// Wider fields and more digits are refused.
const MAX_WIDTH: usize = 10_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "format",
        &[SPEC],
        Want::String,
        |_, args| format(text(args, 0), &args[1..]).map(Value::from),
        "Builds a text from a pattern with verbs such as %s and %d.",
    )
    .rest(ARGS),
    Function::plain(
        "formatlist",
        &[SPEC],
        Want::Strings,
        |_, args| formatlist(text(args, 0), &args[1..]),
        "Builds a list of texts from a pattern and lists of values.",
    )
    .rest(ARGS),
];

fn formatlist(spec: &str, args: &[Value]) -> Result<Value, Fault> {
    let mut length: Option<(usize, usize)> = None;
    for (index, arg) in args.iter().enumerate() {
        let Some(items) = arg.items() else { continue };
        match length {
            Some((first, count)) if count != items.len() => {
                let because = format!("it has {} elements, but argument {} has {count}", items.len(), first + 1);
                return Err(Fault::Argument(index + 1, because));
            }
            Some(_) => {}
            None => length = Some((index, items.len())),
        }
    }
    let count = length.map_or(1, |(_, count)| count);
    let row = |row: usize| {
        let args: Vec<Value> =
            args.iter().map(|arg| arg.items().map_or_else(|| arg.clone(), |items| items[row].clone())).collect();
        format(spec, &args).map(Value::from)
    };
    Ok(Value::list(Type::String, (0..count).map(row).collect::<Result<Vec<_>, _>>()?))
}

#[derive(Default)]
struct Verb {
    plus: bool,
    minus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
    arg: Option<usize>,
    verb: char,
}

fn format(spec: &str, args: &[Value]) -> Result<String, Fault> {
    let mut out = String::new();
    let mut chars = spec.char_indices().peekable();
    let (mut next, mut used) = (0, 0);
    while let Some((at, char)) = chars.next() {
        if char != '%' {
            out.push(char);
            continue;
        }
        let verb = parse(&mut chars, at)?;
        if verb.verb == '%' {
            out.push('%');
            continue;
        }
        let index = verb.arg.unwrap_or(next);
        next = index + 1;
        used = used.max(next);
        let arg = args.get(index).ok_or_else(|| {
            Fault::Call(format!(
                "the verb `%{}` at {at} needs argument {}, but there are {}",
                verb.verb,
                index + 1,
                args.len()
            ))
        })?;
        out.push_str(&verb.write(arg).map_err(|because| Fault::Argument(index + 1, because))?);
    }
    if used < args.len() && !args.is_empty() {
        return Err(Fault::Call(format!("there are {} arguments, but the pattern uses {used}", args.len())));
    }
    Ok(out)
}

fn parse(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>, start: usize) -> Result<Verb, Fault> {
    let mut verb = Verb::default();
    let invalid = || Fault::Argument(0, format!("the verb at {start} is not complete"));
    while let Some((_, flag @ ('+' | '-' | ' ' | '0' | '#'))) = chars.peek().copied() {
        chars.next();
        match flag {
            '+' => verb.plus = true,
            '-' => verb.minus = true,
            ' ' => verb.space = true,
            '0' => verb.zero = true,
            _ => verb.sharp = true,
        }
    }
    verb.width = number(chars)?;
    if chars.peek().is_some_and(|(_, char)| *char == '.') {
        chars.next();
        verb.precision = Some(number(chars)?.unwrap_or(0));
    }
    if chars.peek().is_some_and(|(_, char)| *char == '[') {
        chars.next();
        let index = number(chars)?.filter(|index| *index > 0).ok_or_else(invalid)?;
        verb.arg = Some(index - 1);
        if chars.next().map(|(_, char)| char) != Some(']') {
            return Err(invalid());
        }
    }
    verb.verb = chars.next().map(|(_, char)| char).ok_or_else(invalid)?;
    if !"vtbdoxXeEfgGsq%".contains(verb.verb) {
        return Err(Fault::Argument(0, format!("there is no verb `%{}`", verb.verb)));
    }
    Ok(verb)
}

fn number(chars: &mut std::iter::Peekable<std::str::CharIndices<'_>>) -> Result<Option<usize>, Fault> {
    let mut number: Option<usize> = None;
    while let Some(digit) = chars.peek().and_then(|(_, char)| char.to_digit(10)) {
        chars.next();
        let next = number.unwrap_or(0) * 10 + digit as usize;
        if next > MAX_WIDTH {
            return Err(Fault::Argument(0, format!("a width or precision is above {MAX_WIDTH}")));
        }
        number = Some(next);
    }
    Ok(number)
}

impl Verb {
    fn write(&self, arg: &Value) -> Result<String, String> {
        match self.verb {
            'v' => Ok(self.any(arg)),
            _ if arg.is_null() => Err(format!("null cannot be written by `%{}`", self.verb)),
            't' => match arg.convert(&Type::Bool) {
                Ok(Value::Bool(claim)) => Ok(self.pad(claim.to_string())),
                _ => Err("`%t` writes true or false".into()),
            },
            's' | 'q' => match arg.convert(&Type::String) {
                Ok(Value::String(text)) => {
                    let text = match self.precision {
                        Some(precision) => text.graphemes(true).take(precision).collect(),
                        None => text.to_string(),
                    };
                    Ok(self.pad(if self.verb == 'q' { json::quote(&text) } else { text }))
                }
                _ => Err(format!("`%{}` writes a string", self.verb)),
            },
            _ => match arg.convert(&Type::Number) {
                Ok(Value::Number(number)) => self.number(&number),
                _ => Err(format!("`%{}` writes a number", self.verb)),
            },
        }
    }

    /// `%v`: the natural form of any value; `%#v`: its JSON.
    fn any(&self, arg: &Value) -> String {
        match arg {
            Value::String(text) if !self.sharp => self.pad(text.to_string()),
            Value::Number(number) if !self.sharp => {
                let verb = Verb { verb: 'g', precision: None, plus: false, ..self.copy() };
                verb.number(number).unwrap_or_else(|_| number.to_string())
            }
            other => self.pad(json::encode(other)),
        }
    }

    fn copy(&self) -> Self {
        let Self { plus, minus, space, zero, sharp, width, precision, arg, verb } = *self;
        Self { plus, minus, space, zero, sharp, width, precision, arg, verb }
    }

    fn number(&self, number: &Number) -> Result<String, String> {
        let digits = match self.verb {
            'd' | 'b' | 'o' | 'x' | 'X' => {
                if !number.is_integer() {
                    return Err(format!("`%{}` writes a whole number, but this is {number}", self.verb));
                }
                let digits = integer(&number.abs(), self.verb);
                let prefix = match (self.sharp, self.verb) {
                    (true, 'x') => "0x",
                    (true, 'X') => "0X",
                    (true, 'o') => "0",
                    (true, 'b') => "0b",
                    _ => "",
                };
                format!("{prefix}{digits}")
            }
            'f' => fixed(&number.abs(), self.precision.unwrap_or(6)),
            'e' | 'E' => {
                let digits = scientific(number.abs().to_f64(), self.precision.unwrap_or(6));
                if self.verb == 'E' { digits.to_uppercase() } else { digits }
            }
            _ => {
                let digits = self.general(&number.abs());
                if self.verb == 'G' { digits.to_uppercase() } else { digits }
            }
        };
        // Minus zero keeps its sign where the number is no whole one by its verb.
        let is_minus_zero = matches!(self.verb, 'e' | 'E' | 'f' | 'g' | 'G') && number.to_string().starts_with('-');
        let sign = match (number.is_negative() || is_minus_zero, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        let width = self.width.unwrap_or(0);
        let length = sign.len() + digits.len();
        if self.zero && !self.minus && length < width {
            return Ok(format!("{sign}{}{digits}", "0".repeat(width - length)));
        }
        Ok(self.pad(format!("{sign}{digits}")))
    }

    /// `%g`: plain digits, or an exponent where that is much shorter.
    fn general(&self, number: &Number) -> String {
        match self.precision {
            None => {
                let plain = number.to_string();
                let exponent = exponent(&plain);
                let digits = plain.trim_start_matches(['0', '.']).replace('.', "");
                let digits = digits.trim_end_matches('0');
                if number.is_zero() || (-4..6).contains(&exponent) {
                    return plain;
                }
                let (first, rest) = digits.split_at(1);
                let point = if rest.is_empty() { "" } else { "." };
                format!("{first}{point}{rest}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
            }
            Some(precision) => {
                let precision = precision.max(1);
                let written = scientific(number.to_f64(), precision - 1);
                let (digits, exponent) = written.split_once('e').unwrap_or((&written, "+00"));
                let exponent: i64 = exponent.parse().unwrap_or(0);
                let trim = |text: &str| {
                    if text.contains('.') {
                        text.trim_end_matches('0').trim_end_matches('.').to_owned()
                    } else {
                        text.to_owned()
                    }
                };
                let limit = i64::try_from(precision).unwrap_or(i64::MAX);
                if (-4..limit).contains(&exponent) {
                    let decimals = usize::try_from(limit - 1 - exponent).unwrap_or(0);
                    trim(&fixed(number, decimals))
                } else {
                    format!("{}e{}{:02}", trim(digits), if exponent < 0 { '-' } else { '+' }, exponent.abs())
                }
            }
        }
    }

    fn pad(&self, text: String) -> String {
        let width = self.width.unwrap_or(0);
        let missing = width.saturating_sub(text.graphemes(true).count());
        let padding = if self.zero && !self.minus { "0" } else { " " }.repeat(missing);
        if self.minus { text + &padding } else { padding + &text }
    }
}

/// Returns the exponent of the first digit of a plain decimal.
fn exponent(plain: &str) -> i64 {
    let whole = plain.split('.').next().unwrap_or_default();
    if whole != "0" {
        return i64::try_from(whole.len()).unwrap_or(i64::MAX) - 1;
    }
    let fraction = plain.split('.').nth(1).unwrap_or_default();
    let zeros = fraction.len() - fraction.trim_start_matches('0').len();
    -1 - i64::try_from(zeros).unwrap_or(i64::MAX - 1)
}

/// Returns the digits of a whole number in the base of a verb.
fn integer(number: &Number, verb: char) -> String {
    let base: u64 = match verb {
        'b' => 2,
        'o' => 8,
        'x' | 'X' => 16,
        _ => return number.to_string(),
    };
    let base = Number::from(base);
    let mut digits = Vec::new();
    let mut rest = number.clone();
    while !rest.is_zero() {
        let digit = rest.checked_rem(&base).ok().and_then(|digit| digit.to_u64()).unwrap_or(0);
        let digit = char::from_digit(u32::try_from(digit).unwrap_or(0), 16).unwrap_or('0');
        digits.push(if verb == 'X' { digit.to_ascii_uppercase() } else { digit });
        rest = rest.checked_div(&base).map(|quotient| quotient.floor()).unwrap_or(Number::ZERO);
    }
    if digits.is_empty() {
        return "0".into();
    }
    digits.iter().rev().collect()
}

/// Returns a number that is not negative with a fixed number of decimals, the last one rounded to nearest.
fn fixed(number: &Number, decimals: usize) -> String {
    let plain = number.to_string();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if fraction.len() <= decimals {
        let point = if decimals == 0 { "" } else { "." };
        return format!("{whole}{point}{fraction}{}", "0".repeat(decimals - fraction.len()));
    }
    let (kept, cut) = fraction.split_at(decimals);
    let mut digits: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    let odd = digits.last().is_some_and(|digit| (digit - b'0') % 2 == 1);
    let up = if cut == "5" {
        match above_its_digits(number, &plain) {
            Ordering::Less => false,
            Ordering::Equal => odd,
            Ordering::Greater => true,
        }
    } else {
        cut.as_bytes()[0] >= b'5'
    };
    if up {
        let mut carry = true;
        for digit in digits.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        if carry {
            digits.insert(0, b'1');
        }
    }
    let digits = String::from_utf8(digits).unwrap_or_default();
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Returns whether a binary fraction lies above or below the decimal digits it is written with.
///
/// The product with a power of ten has more bits than a number holds, so the number is cut in two first.
fn above_its_digits(number: &Number, plain: &str) -> Ordering {
    let compare = || {
        let decimals = plain.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let scale = Number::parse(&format!("1e{decimals}")).ok()?;
        let cut = Number::parse("1p200").ok()?;
        let high = number.checked_mul(&cut).ok()?.floor().checked_div(&cut).ok()?;
        let low = number.checked_sub(&high).ok()?.checked_mul(&scale).ok()?;
        let digits = Number::parse(&plain.replace('.', "")).ok()?;
        let above = high.checked_mul(&scale).ok()?.checked_sub(&digits).ok()?.checked_add(&low).ok()?;
        Some(above.value_cmp(&Number::ZERO))
    };
    compare().unwrap_or(Ordering::Equal)
}

/// Returns a number in scientific form with an exponent of at least two digits.
fn scientific(number: f64, decimals: usize) -> String {
    let written = format!("{number:.decimals$e}");
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(spec: &str, args: &[Value]) -> String {
        format(spec, args).unwrap_or_else(|fault| format!("{fault:?}"))
    }

    #[test]
    fn verbs_are_those_of_go() {
        let number = |text: &str| Value::Number(Number::parse(text).expect("a number"));
        for (spec, arg, expected) in [
            ("%d", number("-42"), "-42"),
            ("%05d", number("-42"), "-0042"),
            ("%+d", number("42"), "+42"),
            ("%x", number("-255"), "-ff"),
            ("%#X", number("255"), "0XFF"),
            ("%b", number("5"), "101"),
            ("%f", number("1.5"), "1.500000"),
            ("%.2f", number("2.675"), "2.67"),
            ("%.3f", number("2.0005"), "2.001"),
            ("%v", number("12345678"), "1.2345678e+07"),
            ("%.0f", number("2.5"), "2"),
            ("%8.3f", number("3.14159"), "   3.142"),
            ("%e", number("123456"), "1.234560e+05"),
            ("%g", number("0.00001"), "1e-05"),
            ("%g", number("1.5"), "1.5"),
            ("%s", Value::from("é"), "é"),
            ("%5s|", Value::from("ab"), "   ab|"),
            ("%-5s|", Value::from("ab"), "ab   |"),
            ("%.1s", Value::from("e\u{301}x"), "é"),
            ("%q", Value::from("a\"b"), "\"a\\\"b\""),
            ("%v", Value::tuple([Value::from(1u64)]), "[1]"),
            ("%#v", Value::from("x"), "\"x\""),
            ("%t%%", Value::from(true), "true%"),
            ("%v", Value::Null(Type::Any), "null"),
        ] {
            assert_eq!(formatted(spec, &[arg]), expected, "{spec}");
        }
        assert_eq!(formatted("%[2]s%[1]s", &[Value::from("a"), Value::from("b")]), "ba");
    }

    #[test]
    fn a_pattern_that_does_not_fit_is_refused() {
        for (spec, args) in [("%", 0), ("%s", 0), ("x", 1), ("%y", 1), ("%d", 1), ("%99999d", 1)] {
            let args = vec![Value::from("text"); args];
            assert!(format(spec, &args).is_err(), "{spec}");
        }
    }
}
