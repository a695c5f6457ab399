//! Sizes, rates and durations with their units: `"16MiB"`, `"50MB/s"`, `"4h"`, `"1m30s"`.
//!
//! A bare number is refused, because nobody can tell seconds from milliseconds or bytes from mebibytes.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// Why a text is no size, rate or duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}: {because}")]
pub struct InvalidUnit {
    text: String,
    what: &'static str,
    because: String,
}

impl InvalidUnit {
    fn new(text: &str, what: &'static str, because: impl Into<String>) -> Self {
        Self { text: text.to_owned(), what, because: because.into() }
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(pub u64);

/// Bytes per second; `Mbit/s` and the like are eighths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(pub u64);

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(pub Duration);

const DECIMAL: [(&str, u64); 5] =
    [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("KB", 1_000)];
const BINARY: [(&str, u64); 8] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
];

/// Splits `1.5GiB` into its number (as thousandths) and its unit.
fn split<'t>(text: &'t str, what: &'static str, example: &str) -> Result<(u128, &'t str), InvalidUnit> {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let invalid = |because: &str| InvalidUnit::new(text, what, because);
    if number.is_empty() {
        return Err(invalid(&format!("it must start with a number, as in \"{example}\"")));
    }
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Err(invalid(&format!("it needs a unit, as in \"{example}\"")));
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() > 3 || number.ends_with('.') {
        return Err(invalid("at most three digits may follow the point"));
    }
    let whole: u128 = whole.parse().map_err(|_| invalid("the number is out of range"))?;
    let thousandths: u128 = format!("{fraction:0<3}").parse().map_err(|_| invalid("the number has two points"))?;
    let thousandths = whole.checked_mul(1000).and_then(|whole| whole.checked_add(thousandths));
    thousandths.map(|thousandths| (thousandths, unit)).ok_or_else(|| invalid("the number is out of range"))
}

fn scaled(text: &str, what: &'static str, thousandths: u128, unit: u64) -> Result<u64, InvalidUnit> {
    thousandths
        .checked_mul(u128::from(unit))
        .and_then(|product| u64::try_from(product / 1000).ok())
        .ok_or_else(|| InvalidUnit::new(text, what, "the number is out of range"))
}

impl FromStr for Size {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        const WHAT: &str = "a size";
        let (thousandths, unit) = split(text, WHAT, "16MiB")?;
        let found = DECIMAL.iter().chain(&BINARY).find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
        let factor = found.or((unit == "B").then_some(1));
        let factor = factor.ok_or_else(|| {
            InvalidUnit::new(text, WHAT, format!("`{unit}` is not a unit; use B, KiB, MiB, GiB, TiB, kB, MB, GB or TB"))
        })?;
        scaled(text, WHAT, thousandths, factor).map(Self)
    }
}

impl FromStr for Rate {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        const WHAT: &str = "a rate";
        let amount = text
            .strip_suffix("/s")
            .ok_or_else(|| InvalidUnit::new(text, WHAT, "it must end in `/s`, as in \"50MB/s\" or \"50Mbit/s\""))?;
        if let Some(bits) = amount.strip_suffix("bit") {
            let as_bytes = format!("{bits}B");
            let (thousandths, prefix) = split(&as_bytes, WHAT, "50Mbit/s")?;
            let factor = [("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
            let factor = factor.iter().find(|(name, _)| *name == prefix).map(|(_, factor)| *factor);
            let factor = factor.ok_or_else(|| InvalidUnit::new(text, WHAT, "use bit, kbit, Mbit or Gbit"))?;
            return scaled(text, WHAT, thousandths / 8, factor).map(Self);
        }
        amount.parse::<Size>().map(|size| Self(size.0)).map_err(|error| InvalidUnit::new(text, WHAT, error.because))
    }
}

impl FromStr for Period {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        const WHAT: &str = "a duration";
        const EXAMPLE: &str = "90s";
        let mut total: u64 = 0;
        let mut rest = text;
        loop {
            let (thousandths, after) =
                split(rest, WHAT, EXAMPLE).map_err(|error| InvalidUnit { text: text.into(), ..error })?;
            let end = after.find(|char: char| char.is_ascii_digit()).unwrap_or(after.len());
            let (unit, next) = after.split_at(end);
            let milliseconds = match unit.trim_end() {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                other => {
                    let because = format!("`{other}` is not a unit; use ms, s, m, h or d");
                    return Err(InvalidUnit::new(text, WHAT, because));
                }
            };
            let part = scaled(text, WHAT, thousandths, milliseconds)?;
            total =
                total.checked_add(part).ok_or_else(|| InvalidUnit::new(text, WHAT, "the number is out of range"))?;
            if next.is_empty() {
                return Ok(Self(Duration::from_millis(total)));
            }
            rest = next;
        }
    }
}

/// Writes the bytes in the largest binary unit that loses at most a hundredth: `1.5 GiB`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((unit, factor)) = BINARY[..4].iter().find(|(_, factor)| self.0 >= *factor) else {
            return write!(f, "{} B", self.0);
        };
        let hundredths = u128::from(self.0) * 100 / u128::from(*factor);
        match (hundredths / 100, hundredths % 100) {
            (whole, 0) => write!(f, "{whole} {unit}"),
            (whole, fraction) if fraction % 10 == 0 => write!(f, "{whole}.{} {unit}", fraction / 10),
            (whole, fraction) => write!(f, "{whole}.{fraction:02} {unit}"),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Size(self.0))
    }
}

/// Writes `1h5m`, `2.5s` or `300ms`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        if milliseconds < 1000 {
            return write!(f, "{milliseconds}ms");
        }
        let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
        let (seconds, rest) = (milliseconds / 1000 % 60, milliseconds % 1000);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        match (seconds, rest) {
            (0, 0) => Ok(()),
            (_, 0) => write!(f, "{seconds}s"),
            _ => write!(f, "{seconds}.{}s", format!("{rest:03}").trim_end_matches('0')),
        }
    }
}

macro_rules! text_form {
    ($($ty:ident),*) => {$(
        impl TryFrom<String> for $ty {
            type Error = InvalidUnit;
            fn try_from(text: String) -> Result<Self, InvalidUnit> {
                text.parse()
            }
        }
        impl From<$ty> for String {
            fn from(quantity: $ty) -> Self {
                quantity.to_string().replace(' ', "")
            }
        }
    )*};
}
text_form!(Size, Rate, Period);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_bare_numbers_refused() {
        assert_eq!("16MiB".parse(), Ok(Size(16 << 20)));
        assert_eq!("1.5GB".parse(), Ok(Size(1_500_000_000)));
        assert_eq!("50MB/s".parse(), Ok(Rate(50_000_000)));
        assert_eq!("50Mbit/s".parse(), Ok(Rate(6_250_000)));
        assert_eq!("1h30m".parse(), Ok(Period(Duration::from_secs(5400))));
        assert_eq!("250ms".parse(), Ok(Period(Duration::from_millis(250))));
        let error = |result: Result<Period, InvalidUnit>| result.expect_err("it has no unit").to_string();
        assert_eq!(error("60".parse()), "`60` is not a duration: it needs a unit, as in \"90s\"");
        assert_eq!(error("5y".parse()), "`5y` is not a duration: `y` is not a unit; use ms, s, m, h or d");
        assert!("x".parse::<Size>().is_err() && "99999999999TiB".parse::<Size>().is_err());
    }

    #[test]
    fn quantities_are_written_for_people() {
        assert_eq!(Size(1536 << 20).to_string(), "1.5 GiB");
        assert_eq!(Size(12).to_string(), "12 B");
        assert_eq!(Period(Duration::from_millis(65_000)).to_string(), "1m5s");
        assert_eq!(Period(Duration::from_millis(2500)).to_string(), "2.5s");
    }
}
