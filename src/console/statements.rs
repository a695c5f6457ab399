//! Where an expression ends: at the end of a line, unless something is open.

/// Splits text that arrives line by line into expressions.
///
/// Brackets, interpolations in strings, comments and heredocs go on until they are closed. A string does not: it cannot
/// hold a line break, and one that is not closed must not swallow all that follows.
#[derive(Debug, Clone, Default)]
pub struct Statements {
    text: String,
    /// The number of the first line in `text`.
    first: u32,
    /// The number of lines taken so far.
    lines: u32,
    open: Vec<Open>,
    /// Whether there is more than comments.
    has_code: bool,
}

/// One expression with the number of its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// The number of its first line, from one.
    pub line: u32,
}

/// What has to be closed before an expression can end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Open {
    /// `(`, `[`, `{`, and `${` or `%{` within a text.
    Bracket,
    /// `"`
    Text,
    /// `/*`
    Comment,
    /// `<<NAME`, once its line is over.
    Heredoc(String),
}

impl Statements {
    /// Takes a line without its end. Returns an expression if it ends there.
    pub fn line(&mut self, line: &str) -> Option<Statement> {
        let line = line.trim_end_matches('\r');
        self.lines = self.lines.saturating_add(1);
        if self.text.is_empty() {
            self.first = self.lines;
        }
        self.text.push_str(line);
        self.text.push('\n');
        self.scan(line);
        if self.open.is_empty() { self.finish() } else { None }
    }

    /// Returns the expression that is not closed, at the end of the text.
    pub fn finish(&mut self) -> Option<Statement> {
        self.open.clear();
        let has_code = std::mem::take(&mut self.has_code);
        let mut text = std::mem::take(&mut self.text);
        // The line of a heredoc's end has to end.
        if !text.contains("<<") {
            text.truncate(text.trim_end().len());
        }
        has_code.then_some(Statement { text, line: self.first })
    }

    /// Returns whether an expression has begun.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.text.is_empty()
    }

    fn scan(&mut self, line: &str) {
        let mut heredocs = Vec::new();
        let mut rest = line;
        if let Some(Open::Heredoc(end)) = self.open.last()
            && line.trim() == end
        {
            self.open.pop();
            return;
        }
        while let Some(char) = rest.chars().next() {
            let after = &rest[char.len_utf8()..];
            rest = match self.open.last() {
                Some(Open::Comment) => match rest.find("*/") {
                    Some(end) => {
                        self.open.pop();
                        &rest[end + 2..]
                    }
                    None => "",
                },
                Some(Open::Text) if char == '\\' => {
                    after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or("")
                }
                Some(Open::Text) if char == '"' => {
                    self.open.pop();
                    after
                }
                Some(Open::Text | Open::Heredoc(_)) => self.template(rest, after),
                None | Some(Open::Bracket) => self.code(rest, after, &mut heredocs),
            };
        }
        // A string ends with its line, closed or not; what is open around it stays open.
        while self.open.last() == Some(&Open::Text) {
            self.open.pop();
        }
        self.open.extend(heredocs.into_iter().rev());
    }

    /// Goes on in the text of a template.
    fn template<'l>(&mut self, rest: &'l str, after: &'l str) -> &'l str {
        if rest.starts_with("$${") || rest.starts_with("%%{") {
            return &rest[3..];
        }
        if rest.starts_with("${") || rest.starts_with("%{") {
            self.open.push(Open::Bracket);
            return &rest[2..];
        }
        after
    }

    /// Goes on in an expression.
    fn code<'l>(&mut self, rest: &'l str, after: &'l str, heredocs: &mut Vec<Open>) -> &'l str {
        if rest.starts_with('#') || rest.starts_with("//") {
            return "";
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            self.open.push(Open::Comment);
            return comment;
        }
        self.has_code |= !rest.starts_with(char::is_whitespace);
        if let Some(head) = rest.strip_prefix("<<") {
            let head = head.strip_prefix('-').unwrap_or(head);
            let end = head.find(|char: char| !(char.is_alphanumeric() || "_-".contains(char))).unwrap_or(head.len());
            if end > 0 && head[end..].trim().is_empty() {
                heredocs.push(Open::Heredoc(head[..end].to_owned()));
                return "";
            }
            return head;
        }
        match rest.as_bytes().first() {
            Some(b'(' | b'[' | b'{') => self.open.push(Open::Bracket),
            Some(b')' | b']' | b'}') => {
                self.open.pop();
            }
            Some(b'"') => self.open.push(Open::Text),
            _ => {}
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the expressions of a text, each with its line.
    fn split(text: &str) -> Vec<String> {
        let mut statements = Statements::default();
        let mut found: Vec<Statement> = text.lines().filter_map(|line| statements.line(line)).collect();
        found.extend(statements.finish());
        found.into_iter().map(|found| format!("{}: {}", found.line, found.text.replace('\n', "⏎"))).collect()
    }

    #[test]
    fn a_line_is_an_expression_unless_something_is_open() {
        assert_eq!(split("1\n\n  \n2 # (\n// [\n"), ["1: 1", "4: 2 # ("]);
        assert_eq!(split("/* a\n*/\n1"), ["3: 1"]);
        assert_eq!(split("(1 +\n2)\n3"), ["1: (1 +⏎2)", "3: 3"]);
        assert_eq!(split("[\n\"]\",\n]\n{ a = [\n1] }"), ["1: [⏎\"]\",⏎]", "4: { a = [⏎1] }"]);
        assert_eq!(split("/* (\n*/ 1\n2"), ["1: /* (⏎*/ 1", "3: 2"]);
        assert_eq!(split("(1\r\n)\r\n"), ["1: (1⏎)"]);
    }

    #[test]
    fn texts_end_with_their_line_and_interpolations_do_not() {
        assert_eq!(split("\"a\n1"), ["1: \"a", "2: 1"]);
        assert_eq!(split("\"${\n1}b\"\n2"), ["1: \"${⏎1}b\"", "3: 2"]);
        assert_eq!(split("\"$${ \\\" {\"\n2"), ["1: \"$${ \\\" {\"", "2: 2"]);
        assert_eq!(split("\"${\"}\"}\"\n2"), ["1: \"${\"}\"}\"", "2: 2"]);
        assert_eq!(split("(\"a\n)\n1"), ["1: (\"a⏎)", "3: 1"]);
    }

    #[test]
    fn heredocs_end_with_their_name() {
        assert_eq!(split("<<EOT\na (\n EOT\n1"), ["1: <<EOT⏎a (⏎ EOT⏎", "4: 1"]);
        assert_eq!(split("upper(<<-A\n  ${\n1} \"\n  A\n)\n1"), ["1: upper(<<-A⏎  ${⏎1} \"⏎  A⏎)⏎", "6: 1"]);
        assert_eq!(split("<<A\nB"), ["1: <<A⏎B⏎"]);
        assert_eq!(split("1 << 2\n3"), ["1: 1 << 2⏎", "2: 3"]);
    }

    #[test]
    fn what_is_never_closed_is_one_expression() {
        assert_eq!(split("(1\n2\n"), ["1: (1⏎2"]);
        assert_eq!(split(")\n1"), ["1: )", "2: 1"]);
    }
}
