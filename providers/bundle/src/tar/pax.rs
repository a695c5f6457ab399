//! PAX records: `LENGTH KEY=VALUE\n`, where the length counts itself.

use crate::tree::Modified;

/// Appends a record.
pub(super) fn push(records: &mut Vec<u8>, key: &str, value: &str) {
    let without_length = key.len() + value.len() + 3;
    let mut length = without_length + digits(without_length);
    if digits(length) > digits(without_length) {
        length = without_length + digits(length);
    }
    records.extend(format!("{length} {key}={value}\n").bytes());
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// Returns the records in order, or what is wrong with them.
pub(super) fn parse(mut records: &[u8]) -> Result<Vec<(&str, &[u8])>, &'static str> {
    let mut parsed: Vec<(&str, &[u8])> = Vec::new();
    while !records.is_empty() {
        let space = records.iter().position(|&byte| byte == b' ').ok_or("a PAX record has no length")?;
        let length = std::str::from_utf8(&records[..space]).ok().filter(|text| is_decimal(text));
        let length: usize = length.and_then(|text| text.parse().ok()).ok_or("a PAX record has no length")?;
        if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
            return Err("a PAX record has a wrong length");
        }
        let record = &records[space + 1..length - 1];
        let equals = record.iter().position(|&byte| byte == b'=').ok_or("a PAX record has no value")?;
        let key = std::str::from_utf8(&record[..equals]).map_err(|_| "a PAX key is not UTF-8")?;
        if key.is_empty() {
            return Err("a PAX record has no key");
        }
        if parsed.iter().any(|(other, _)| *other == key) {
            return Err("a PAX key appears twice in one header");
        }
        parsed.push((key, &record[equals + 1..]));
        records = &records[length..];
    }
    Ok(parsed)
}

pub(super) fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns a time as PAX writes it.
pub(super) fn time(modified: Modified) -> String {
    let Modified { seconds, nanoseconds } = modified;
    if nanoseconds == 0 {
        return seconds.to_string();
    }
    // -1.25 is 2 seconds before 1970 and 0.75 after that.
    let (sign, seconds, nanoseconds) =
        if seconds < 0 { ("-", -(seconds + 1), 1_000_000_000 - nanoseconds) } else { ("", seconds, nanoseconds) };
    format!("{sign}{seconds}.{nanoseconds:09}").trim_end_matches('0').to_owned()
}

/// Reads a time as PAX writes it; digits beyond nanoseconds are cut off.
pub(super) fn parse_time(text: &str) -> Option<Modified> {
    let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !is_decimal(seconds) || !is_decimal(fraction) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let nanoseconds: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    Some(match (is_negative, nanoseconds) {
        (false, nanoseconds) => Modified { seconds, nanoseconds },
        (true, 0) => Modified { seconds: -seconds, nanoseconds: 0 },
        (true, nanoseconds) => Modified { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_their_own_digits() {
        for value_length in 0..1100 {
            let mut records = Vec::new();
            push(&mut records, "path", &"x".repeat(value_length));
            push(&mut records, "mtime", "1");
            let parsed = parse(&records).unwrap();
            assert_eq!((parsed.len(), parsed[0].1.len(), parsed[1]), (2, value_length, ("mtime", b"1".as_slice())));
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        for records in
            ["x", "5 a=b", "99 a=b\n", "6 a=b\n\n", "4 a\n\n", "+6 a=b\n", "6 a=b\n6 a=c\n", "5 =b\n", "0 a=b\n"]
        {
            assert!(parse(records.as_bytes()).is_err(), "{records:?}");
        }
    }

    #[test]
    fn times_before_1970_and_fractions_come_back() {
        for (seconds, nanoseconds, text) in
            [(0, 0, "0"), (5, 250_000_000, "5.25"), (-2, 750_000_000, "-1.25"), (-1, 1, "-0.999999999"), (-7, 0, "-7")]
        {
            let modified = Modified { seconds, nanoseconds };
            assert_eq!(time(modified), text);
            assert_eq!(parse_time(text), Some(modified));
        }
        assert_eq!(parse_time("1.0000000019"), Some(Modified { seconds: 1, nanoseconds: 1 }));
        for text in ["", "-", "1.", ".5", "1e3", "1,5", "99999999999999999999"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
