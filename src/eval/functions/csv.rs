//! CSV as RFC 4180 has it, read as strictly as Go does.

use loam_provider::{Str, Type, Value};

/// Returns a row as an object for every line after the first, which names the columns.
pub(super) fn decode(text: &str) -> Result<Value, String> {
    let mut records = Reader { rest: text, line: 1 };
    let Some(header) = records.next().transpose()? else { return Err("it has no line that names the columns".into()) };
    let mut names: Vec<Str> = Vec::with_capacity(header.fields.len());
    let mut seen = std::collections::HashSet::new();
    for name in header.fields {
        if !seen.insert(name.clone()) {
            return Err(format!("two columns are named \"{name}\""));
        }
        names.push(name.into());
    }
    let mut rows = Vec::new();
    for record in records {
        let Record { line, fields } = record?;
        if fields.len() != names.len() {
            let (there, wanted) = (fields.len(), names.len());
            return Err(format!("line {line} has {there} fields, but there are {wanted} columns"));
        }
        rows.push(Value::object(names.iter().cloned().zip(fields.into_iter().map(Value::from))));
    }
    let row = Type::object(names.into_iter().map(|name| (name, Type::String)));
    Ok(Value::list(row, rows))
}

/// Reads one record after the other; empty lines are none.
struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

struct Record {
    line: usize,
    fields: Vec<String>,
}

impl Iterator for Reader<'_> {
    type Item = Result<Record, String>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest.strip_prefix('\n').or_else(|| self.rest.strip_prefix("\r\n")) {
            self.rest = rest;
            self.line += 1;
        }
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            let field = match self.rest.strip_prefix('"') {
                Some(rest) => self.quoted(rest),
                None => self.plain(),
            };
            match field {
                Ok((field, is_last)) => {
                    fields.push(field);
                    if is_last {
                        return Some(Ok(Record { line, fields }));
                    }
                }
                Err(because) => {
                    self.rest = "";
                    return Some(Err(because));
                }
            }
        }
    }
}

impl Reader<'_> {
    /// Reads a field without quotes, and says whether its record ends with it.
    fn plain(&mut self) -> Result<(String, bool), String> {
        let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
        let mut field = &self.rest[..end];
        let is_last = !self.rest[end..].starts_with(',');
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        if is_last {
            field = field.strip_suffix('\r').unwrap_or(field);
        }
        if field.contains('"') {
            return Err(format!("line {} has a `\"` inside a field that has no quotes around it", self.line));
        }
        if is_last {
            self.line += 1;
        }
        Ok((field.to_owned(), is_last))
    }

    /// Reads a field after its opening quote.
    fn quoted(&mut self, mut rest: &str) -> Result<(String, bool), String> {
        let mut field = String::new();
        loop {
            let Some((part, after)) = rest.split_once('"') else {
                return Err(format!("the quote that opens in line {} is never closed", self.line));
            };
            self.line += part.matches('\n').count();
            // Line endings inside are one character, whatever the file has.
            field.push_str(&part.replace("\r\n", "\n"));
            if let Some(more) = after.strip_prefix('"') {
                field.push('"');
                rest = more;
                continue;
            }
            let line = self.line;
            let (is_last, left) = match after.strip_prefix(',') {
                Some(left) => (false, left),
                None if after.is_empty() => (true, ""),
                None => match after.strip_prefix('\n').or_else(|| after.strip_prefix("\r\n")) {
                    Some(left) => (true, left),
                    None => return Err(format!("line {line} goes on after a closing quote; a quote inside is `\"\"`")),
                },
            };
            self.rest = &self.rest[self.rest.len() - left.len()..];
            self.line += usize::from(is_last);
            return Ok((field, is_last));
        }
    }
}
