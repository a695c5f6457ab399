//! What a scalar of YAML is: the words and numbers that Terraform takes for more than text.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loam_provider::{Number, Type, Value};

use super::super::datetime::Moment;

/// Returns the value of a scalar, given the name of its tag, if it has one.
pub(super) fn value(text: &str, is_plain: bool, tag: Option<&str>) -> Result<Value, String> {
    let unfit = |tag: &str| format!("this is no value of the tag `!!{tag}`");
    match tag {
        None if is_plain => resolve(text),
        None | Some("str" | "merge") => Ok(text.into()),
        Some(tag @ "binary") => {
            let joined: String = text.split_ascii_whitespace().collect();
            STANDARD.decode(joined).map(|_| text.into()).map_err(|_| unfit(tag))
        }
        Some("null" | "bool" | "int" | "float" | "timestamp") if !is_plain => Ok(text.into()),
        Some("null") => Ok(Value::Null(Type::Any)),
        Some(tag @ "timestamp") => timestamp(text).ok_or_else(|| unfit(tag)),
        Some(tag @ "bool") => resolve(text)?.into_other_than_text().ok_or_else(|| unfit(tag)),
        Some(tag @ ("int" | "float")) => {
            let digits = text.replace('_', "");
            resolve(&digits)?
                .into_other_than_text()
                .filter(|value| value.as_number().is_some())
                .ok_or_else(|| unfit(tag))
        }
        Some(tag) => Err(format!("the tag `!!{tag}` is not known")),
    }
}

trait OtherThanText: Sized {
    fn into_other_than_text(self) -> Option<Self>;
}

impl OtherThanText for Value {
    fn into_other_than_text(self) -> Option<Self> {
        if self.as_str().is_some() { None } else { Some(self) }
    }
}

/// Returns the value of a plain scalar.
fn resolve(text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null(Type::Any)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Ok(true.into()),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(false.into());
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => {
            return Err("infinity is not a number here".into());
        }
        ".nan" | ".NaN" | ".NAN" => return Err("`.nan` is not a number".into()),
        _ => {}
    }
    let based = |digits: &str, base| {
        let valid = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base));
        valid.then(|| Number::parse_int(digits, base).ok()).flatten()
    };
    let number = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => based(digits, 16),
        (_, Some(digits)) => based(digits, 8),
        (None, None) if is_decimal(text) => Some(decimal(text)?),
        (None, None) => None,
    };
    Ok(number.map(Value::Number).or_else(|| timestamp(text)).unwrap_or_else(|| text.into()))
}

fn decimal(text: &str) -> Result<Number, String> {
    let mut digits = text.trim_start_matches('+').to_owned();
    // A point may stand first or last.
    if let Some(point) = digits.find('.') {
        if !digits[point + 1..].starts_with(|next: char| next.is_ascii_digit()) {
            digits.insert(point + 1, '0');
        }
        if !digits[..point].ends_with(|before: char| before.is_ascii_digit()) {
            digits.insert(point, '0');
        }
    }
    Number::parse(&digits).map_err(|error| error.to_string())
}

/// Returns whether a text is digits with a point and an exponent, both optional.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    !(whole.is_empty() && fraction.is_empty())
        && digits(whole)
        && digits(fraction)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// Reads a date, with or without a time, in which days and hours may have one digit; the value is its RFC 3339.
fn timestamp(text: &str) -> Option<Value> {
    let (year, _) = text.split_once('-')?;
    if year.len() != 4 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let fields = |text: &str, separator| {
        let field = |field: &str| {
            let valid = matches!(field.len(), 1 | 2) && field.bytes().all(|byte| byte.is_ascii_digit());
            valid.then(|| format!("{field:0>2}"))
        };
        text.split(separator).map(field).collect::<Option<Vec<String>>>()
    };
    let date = fields(date.get(5..)?, '-').filter(|date| date.len() == 2)?;
    let (clock, zone) = match time {
        None => ("00:00:00", "Z"),
        Some(time) if text.contains(' ') => (time, "Z"),
        Some(time) => time.split_at(time.find(['Z', '+', '-'])?),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let clock = fields(clock, ':').filter(|clock| clock.len() == 3)?;
    let full = format!("{year}-{}T{}{zone}", date.join("-"), clock.join(":"));
    Some(Moment::parse(&full).ok()?.to_string().into())
}
