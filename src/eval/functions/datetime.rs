//! Times: RFC 3339 read as strictly as Go reads it, and durations as Go writes them.

use std::{fmt, iter::Peekable, str::Chars};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use loam_provider::Value;

use super::{Context, Fault, Function, Param, Want, text};
use crate::eval::Stage;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::plain(
        "formatdate",
        &[Param::new("format", Want::String), Param::new("time", Want::String)],
        Want::String,
        |_, args| format(text(args, 0), moment(args, 1)?).map(Value::from),
        "Writes a time by a pattern, such as `DD MMM YYYY hh:mm ZZZ`.",
    ),
    Function::plain(
        "plantimestamp",
        &[],
        Want::String,
        |cx, _| Ok(plantimestamp(cx)),
        "Returns when the plan was made; the same in the plan and when it is applied.",
    ),
    Function::plain(
        "timeadd",
        &[Param::new("timestamp", Want::String), Param::new("duration", Want::String)],
        Want::String,
        |_, args| timeadd(args),
        "Adds a duration, such as `1h30m` or `-10s`, to a time.",
    ),
    Function::plain(
        "timecmp",
        &[Param::new("timestamp_a", Want::String), Param::new("timestamp_b", Want::String)],
        Want::Number,
        |_, args| Ok(Value::from(moment(args, 0)?.instant().cmp(&moment(args, 1)?.instant()) as i64)),
        "Returns -1, 0 or 1, as one time is before, at or after another.",
    ),
    Function::plain(
        "timestamp",
        &[],
        Want::String,
        |cx, _| Ok(timestamp(cx)),
        "Returns the time now in UTC, so it is known only when changes are made.",
    )
    .at_apply(),
];

/// A time of day somewhere: what an RFC 3339 text says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    local: DateTime,
    offset: Offset,
}

impl Moment {
    /// Reads RFC 3339.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).ok_or_else(|| format!("\"{text}\" is not a time such as \"2030-12-31T23:59:59Z\""))
    }

    fn read(text: &str) -> Option<Self> {
        let digits = |range: std::ops::Range<usize>| {
            let digits = text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
            digits.parse::<i16>().ok()
        };
        let byte = |at: usize, wanted: u8| (text.as_bytes().get(at) == Some(&wanted)).then_some(());
        [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
            .into_iter()
            .try_for_each(|(at, sign)| byte(at, sign))?;
        let small = |range| digits(range).and_then(|number| i8::try_from(number).ok());
        let date = Date::new(digits(0..4)?, small(5..7)?, small(8..10)?).ok()?;
        let zone = text.get(19..)?;
        let (fraction, zone) = match zone.strip_prefix('.') {
            None => ("", zone),
            Some(rest) => {
                let (fraction, zone) = rest.split_at(rest.find(|next: char| !next.is_ascii_digit())?);
                (!fraction.is_empty()).then_some((fraction, zone))?
            }
        };
        let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        let time = Time::new(small(11..13)?, small(14..16)?, small(17..19)?, nanoseconds).ok()?;
        let offset = match zone {
            "Z" => Offset::UTC,
            zone => {
                let at = text.len() - zone.len();
                let sign = if zone.starts_with('-') { -1 } else { zone.starts_with('+').then_some(1)? };
                byte(at + 3, b':')?;
                let (hours, minutes) = (digits(at + 1..at + 3)?, digits(at + 4..at + 6)?);
                (zone.len() == 6 && hours < 24 && minutes < 60).then_some(())?;
                Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()?
            }
        };
        Some(Self { local: date.to_datetime(time), offset })
    }

    /// Returns a time in UTC, to the second.
    fn utc(at: Timestamp) -> Self {
        Self { local: Offset::UTC.to_datetime(at), offset: Offset::UTC }
    }

    /// Returns what two times are compared by: nanoseconds since some day.
    fn instant(self) -> i128 {
        let since = self.local.duration_since(DateTime::ZERO);
        since.as_nanos() - i128::from(self.offset.seconds()) * 1_000_000_000
    }

    /// Returns hours and minutes east of Greenwich, with a sign.
    fn zone(self, separator: &str) -> String {
        let minutes = self.offset.seconds() / 60;
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}{separator}{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// Writes RFC 3339 to the second.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.local;
        write!(f, "{:04}-{:02}-{:02}T", local.year(), local.month(), local.day())?;
        write!(f, "{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())?;
        if self.offset == Offset::UTC { f.write_str("Z") } else { f.write_str(&self.zone(":")) }
    }
}

fn moment(args: &[Value], index: usize) -> Result<Moment, Fault> {
    Moment::parse(text(args, index)).map_err(|because| Fault::Argument(index, because))
}

fn plantimestamp(cx: &Context<'_>) -> Value {
    match cx.stage {
        Stage::Check => Value::Unknown(loam_provider::Type::String),
        Stage::Plan { planned } | Stage::Apply { planned, .. } | Stage::Console { now: planned } => {
            Moment::utc(planned).to_string().into()
        }
    }
}

fn timestamp(cx: &Context<'_>) -> Value {
    match cx.stage {
        Stage::Check | Stage::Plan { .. } => Value::Unknown(loam_provider::Type::String),
        Stage::Apply { now, .. } | Stage::Console { now } => Moment::utc(now).to_string().into(),
    }
}

fn timeadd(args: &[Value]) -> Result<Value, Fault> {
    let moment = moment(args, 0)?;
    let wrong = || {
        Fault::Argument(
            1,
            format!("\"{}\" is not a duration such as \"1h30m\", of h, m, s, ms, us and ns", text(args, 1)),
        )
    };
    let added = duration(text(args, 1)).ok_or_else(wrong)?;
    let local =
        moment.local.checked_add(added).map_err(|_| Fault::Call("the year would not have four digits".into()))?;
    if local.year() < 0 {
        return Err(Fault::Call("the year would not have four digits".into()));
    }
    Ok(Moment { local, ..moment }.to_string().into())
}

/// Reads a duration: numbers with units, such as `1h15m30.5s`.
fn duration(text: &str) -> Option<SignedDuration> {
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|next: char| !next.is_ascii_digit() && next != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|next: char| next.is_ascii_digit() || next == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { i128::from(whole.parse::<u64>().ok()?) };
        // More digits than these are less than a nanosecond.
        let fraction: i128 = format!("{fraction:0<15}").get(..15)?.parse().ok()?;
        total += whole * unit + fraction * unit / 1_000_000_000_000_000;
        rest = after;
    }
    let total = if is_negative { -total } else { total };
    i64::try_from(total).ok().map(SignedDuration::from_nanos)
}

/// Writes a time by a pattern of letters; text stands in single quotes.
fn format(pattern: &str, moment: Moment) -> Result<String, Fault> {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\'' => quoted(&mut chars, &mut out)?,
            letter if letter.is_ascii_alphabetic() => {
                let mut count = 1;
                while chars.next_if_eq(&letter).is_some() {
                    count += 1;
                }
                out.push_str(&verb(letter, count, moment)?);
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Copies text up to its closing quote; two quotes are one, also where they stand alone.
fn quoted(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), Fault> {
    if chars.next_if_eq(&'\'').is_some() {
        out.push('\'');
        return Ok(());
    }
    while let Some(char) = chars.next() {
        match char {
            '\'' if chars.next_if_eq(&'\'').is_none() => return Ok(()),
            char => out.push(char),
        }
    }
    Err(Fault::Argument(0, "a quote is not closed".into()))
}

fn verb(letter: char, count: usize, moment: Moment) -> Result<String, Fault> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let Moment { local, offset } = moment;
    let position = |number: i8| usize::try_from(number - 1).unwrap_or(0);
    let month = MONTHS[position(local.month())];
    let day = DAYS[position(local.weekday().to_monday_one_offset())];
    let twelve = if local.hour() % 12 == 0 { 12 } else { local.hour() % 12 };
    let half = if local.hour() < 12 { "am" } else { "pm" };
    let number = |number: i8| if count == 1 { number.to_string() } else { format!("{number:02}") };
    let is_utc = offset == Offset::UTC;
    Ok(match (letter, count) {
        ('Y', 4) => format!("{:04}", local.year()),
        ('Y', 2) => format!("{:02}", local.year() % 100),
        ('M', 1 | 2) => number(local.month()),
        ('M', 3) => month[..3].into(),
        ('M', 4) => month.into(),
        ('D', 1 | 2) => number(local.day()),
        ('E', 3) => day[..3].into(),
        ('E', 4) => day.into(),
        ('h', 1 | 2) => number(local.hour()),
        ('H', 1 | 2) => number(twelve),
        ('m', 1 | 2) => number(local.minute()),
        ('s', 1 | 2) => number(local.second()),
        ('a', 2) => half.into(),
        ('A', 2) => half.to_uppercase(),
        ('Z', 1) if is_utc => "Z".into(),
        ('Z', 3) if is_utc => "UTC".into(),
        ('Z', 3 | 4) => moment.zone(""),
        ('Z', 1 | 5) => moment.zone(":"),
        _ => {
            let verb = letter.to_string().repeat(count.min(8));
            let known = match letter {
                'Y' => "the year is `YYYY` or `YY`",
                'M' => "the month is `M`, `MM`, `MMM` or `MMMM`; minutes are `mm`",
                'D' => "the day of the month is `D` or `DD`",
                'E' => "the day of the week is `EEE` or `EEEE`",
                'h' | 'H' | 'm' | 's' => "hours, minutes and seconds have one letter or two",
                'a' | 'A' => "the half of the day is `aa` or `AA`",
                'Z' => "the zone is `Z`, `ZZZ`, `ZZZZ` or `ZZZZZ`",
                _ => "text stands in single quotes",
            };
            return Err(Fault::Argument(0, format!("`{verb}` means nothing: {known}")));
        }
    })
}
