//! What is said about a mistake: what was expected, what was found, and the way out.

use super::{
    MAX_NESTING,
    lexer::offset,
    parser::{MOST_REPORTED, Parser, Reported},
    recover::{Open, Problem},
    token::{Kind, Token},
    tree::{BlockLabel, Ident, Spanned},
};
use crate::{
    diag::{Diagnostic, Diagnostics, did_you_mean},
    source::Span,
};

const DIRECTIVES: &str = "They are written `%{ if CONDITION }…%{ endif }` and `%{ for x in LIST }…%{ endfor }`.";

impl Parser<'_> {
    /// Reports what does not nest.
    pub(super) fn report_problems(&mut self) {
        let found: Diagnostics =
            self.problems.iter().filter_map(|(_, problem)| self.problem(problem)).take(MOST_REPORTED).collect();
        self.diagnostics.extend(found);
    }

    /// Reports the first thing that does not nest; returns whether there was one.
    pub(super) fn report_first_problem(&mut self) -> bool {
        let first = self.problems.iter().find_map(|(_, problem)| self.problem(problem));
        let is_there = first.is_some();
        self.diagnostics.extend(first.into_iter().collect());
        is_there
    }

    fn problem(&self, problem: &Problem) -> Option<Diagnostic> {
        let span = |start: u32, length: usize| self.place.span(start, start.saturating_add(offset(length)));
        Some(match problem {
            Problem::Consequence => return None,
            Problem::Unclosed { open, at, suspect } => {
                let (what, close, length) = describe(open);
                let detail = format!("{what} opened here is never closed.");
                let diagnostic = Diagnostic::error("Unclosed bracket", span(*at, length), detail)
                    .label(format!("expected `{close}` for this"))
                    .hint(format!("Add `{close}` where it ends."));
                match suspect {
                    None => diagnostic,
                    Some(suspect) => {
                        diagnostic.related(span(*suspect, 1), "the indentation suggests that this one is not closed")
                    }
                }
            }
            Problem::UnclosedHeredoc { marker, at, almost } => {
                let detail = "The heredoc opened here is never closed.";
                let text = &self.text[*at as usize..];
                let length = text.find(['\r', '\n']).unwrap_or(text.len());
                let diagnostic = Diagnostic::error("Unclosed bracket", span(*at, length), detail)
                    .label(format!("expected a line with only `{marker}` for this"));
                match almost {
                    None => diagnostic.hint(format!("Add a line with only `{marker}` where it ends.")),
                    Some(almost) => diagnostic
                        .related(span(*almost, marker.len()), "this does not end it")
                        .hint("On the line that ends it nothing else may stand, and a line end must follow."),
                }
            }
            Problem::UnclosedString { at, end } => {
                let detail = "This string is not closed before the end of the line.";
                Diagnostic::error("Unclosed string", self.place.span(*at, *end), detail)
                    .hint("Add `\"` where it ends. For text of several lines, write \\n or use a heredoc: <<EOT")
            }
            Problem::UnclosedComment { at } => {
                let detail = "The comment opened here is never closed.";
                Diagnostic::error("Unclosed bracket", span(*at, 2), detail)
                    .label("expected `*/` for this")
                    .hint("Add `*/` where it ends.")
            }
            Problem::Stray { at, open } => {
                let found = &self.text[*at as usize..*at as usize + 1];
                match open {
                    Some((open, opened)) => {
                        let (_, close, length) = describe(open);
                        let detail = format!("Here `{close}` is expected, but `{found}` found.");
                        Diagnostic::error("Unexpected bracket", span(*at, 1), detail)
                            .related(span(*opened, length), "this is what is open")
                    }
                    None => {
                        let detail = format!("Nothing is open here that `{found}` could close.");
                        Diagnostic::error("Unexpected bracket", span(*at, 1), detail)
                            .hint("Remove it, or add the opening bracket it belongs to.")
                    }
                }
            }
        })
    }

    /// Returns what to call the next token, and its place: that of the end of the line is where the line's text ends.
    fn found(&mut self) -> (String, Span) {
        let token = self.peek();
        let end = self.previous().end;
        match token.kind {
            Kind::Newline => ("the end of the line".into(), self.place.span(end, end)),
            Kind::End => ("the end of the text".into(), self.place.span(end, end)),
            Kind::OpenQuote => ("a string".into(), self.span(token)),
            Kind::OpenHeredoc => {
                let length = self.slice(token).trim_end().len();
                ("a heredoc".into(), self.place.span(token.start, token.start + offset(length)))
            }
            _ => (format!("`{}`", self.slice(token)), self.span(token)),
        }
    }

    fn invalid(&mut self, detail: impl FnOnce(&str) -> String) -> Diagnostic {
        let (found, span) = self.found();
        Diagnostic::error("Invalid syntax", span, detail(&found))
    }

    /// Reports that something else was expected.
    pub(super) fn expected(&mut self, what: &str) -> Reported {
        let diagnostic = self.invalid(|found| format!("Expected {what}, but found {found}."));
        let diagnostic = self.about_character(diagnostic).maybe_hint(self.habit_after_value());
        self.report(diagnostic)
    }

    /// Adds what is known about a character without a meaning.
    fn about_character(&mut self, diagnostic: Diagnostic) -> Diagnostic {
        let token = self.peek();
        if token.kind != Kind::Invalid {
            return diagnostic;
        }
        match self.slice(token) {
            "&" | "|" | "^" | "~" => diagnostic.hint("Conditions are combined with `&&`, `||` and `!`."),
            ";" => diagnostic.hint("Items are separated by commas, arguments by line ends; there is no `;`."),
            "“" | "”" | "„" | "‟" | "‘" | "’" | "«" | "»" | "'" | "`" => {
                diagnostic.hint("Strings are written in double quotes: `\"`.")
            }
            _ => diagnostic,
        }
    }

    /// Reports that a value was expected.
    pub(super) fn expected_value(&mut self) -> Reported {
        let token = self.peek();
        let (found, span) = self.found();
        let expression = |detail: String| Diagnostic::error("Invalid expression", span, detail);
        let diagnostic = match (token.kind, self.slice(token)) {
            (Kind::Invalid, "'") => {
                expression("Strings are written in double quotes.".into()).hint("Use `\"` instead of `'`.")
            }
            (Kind::Invalid, "`") => expression("The character \"`\" has no meaning here.".into())
                .hint("Strings are written in double quotes. For text of several lines use a heredoc: <<EOT"),
            (Kind::Invalid, "“" | "”" | "„" | "‟" | "‘" | "’" | "«" | "»") => {
                expression(format!("{} is no quote that a string can be written in.", capital(&found)))
                    .hint("Use `\"`. Some programs replace it with curly quotes when text is copied.")
            }
            (Kind::Invalid, "$") if self.after_next().kind == Kind::OpenBrace => {
                expression("`${` has a meaning only inside of strings.".into())
                    .hint("A value is named as it is, for example `var.region`.")
            }
            (Kind::Invalid, _) => {
                let diagnostic = expression(format!("{} has no meaning here.", capital(&found)));
                self.about_character(diagnostic)
            }
            (Kind::End, _) if self.previous().end == 0 => {
                expression("Expected a value, but the text ends here.".into())
            }
            (Kind::Less, _) if self.after_next().kind == Kind::Less => {
                expression("This is no start of a heredoc.".into())
                    .hint("A heredoc starts with `<<EOT` or `<<-EOT` at the end of a line, without blanks or quotes.")
            }
            (Kind::Newline, _) if self.is_continued() => {
                expression(format!("Expected a value here, but found {found}."))
                    .hint("An expression goes on in the next line only in brackets: put parentheses around it.")
            }
            _ => {
                let habit = self.habit_in_operator();
                expression(format!("Expected a value here, but found {found}.")).maybe_hint(habit.map(str::to_owned))
            }
        };
        let reported = self.report(diagnostic);
        if token.kind == Kind::Less {
            self.skip_almost_heredoc();
        }
        reported
    }

    /// Reports that something follows an expression that is alone.
    pub(super) fn unexpected_end_of_expression(&mut self) -> Reported {
        let diagnostic = self.invalid(|found| format!("{} has no meaning here.", capital(found)));
        let diagnostic = self.about_character(diagnostic).maybe_hint(self.habit_after_value());
        self.report(diagnostic)
    }

    /// Reports an item that does not end where the next begins.
    pub(super) fn expected_separator(&mut self, expected: &str) -> Reported {
        let before = self.previous().end as usize;
        let token = self.peek();
        let mut diagnostic = self.invalid(|found| format!("Expected {expected}, but found {found}."));
        let is_on_next_line = self.text.get(before..token.start as usize).is_some_and(|between| between.contains('\n'));
        if is_on_next_line {
            diagnostic = diagnostic.hint("Add a comma at the end of the line before.");
        } else {
            diagnostic = diagnostic.maybe_hint(self.habit_after_value());
        }
        let diagnostic = self.about_character(diagnostic);
        self.report(diagnostic)
    }

    /// Reports a key of an object without a value.
    pub(super) fn expected_after_key(&mut self) -> Reported {
        let kind = self.peek().kind;
        let mut diagnostic = self.invalid(|found| format!("Expected `=` or `:` after this key, but found {found}."));
        if kind == Kind::FatArrow {
            diagnostic = diagnostic.hint("`=>` belongs to `for` expressions.");
        } else if kind == Kind::EqualEqual {
            diagnostic = diagnostic.hint("To give a key its value, write `=`.");
        } else if matches!(kind, Kind::Newline | Kind::Comma | Kind::CloseBrace) {
            diagnostic = diagnostic.hint("Braces hold keys with values; a list is written in brackets: `[a, b]`.");
        }
        self.report(diagnostic)
    }

    /// Reports an item of an object that does not end.
    pub(super) fn expected_after_item(&mut self) -> Reported {
        let diagnostic =
            self.invalid(|found| format!("Expected `,`, a new line or `}}` after this item, but found {found}."));
        let diagnostic = self.about_character(diagnostic);
        self.report(diagnostic)
    }

    /// Reports a dot without a name.
    pub(super) fn expected_after_dot(&mut self, dot: Token) -> Reported {
        let (found, _) = self.found();
        let detail = format!("Expected the name of an attribute after the dot, but found {found}.");
        self.report(Diagnostic::error("Invalid syntax", self.span(dot), detail))
    }

    pub(super) fn two_legacy_indexes(&mut self, dot: Token, token: Token, first: &str, second: &str) -> Reported {
        let detail = "Two indexes cannot be chained with dots: they look like one number.";
        let diagnostic = Diagnostic::error("Invalid index", self.between(dot, token), detail);
        self.report(diagnostic.hint(format!("Write `[{first}][{second}]`.")))
    }

    pub(super) fn nested_splat(&mut self, dot: Token) -> Reported {
        let token = self.peek();
        let detail = "`.*` cannot follow `.*`.";
        let diagnostic = Diagnostic::error("Invalid syntax", self.between(dot, token), detail);
        self.report(diagnostic.hint("Write `[*][*]`."))
    }

    pub(super) fn key_in_tuple(&mut self, arrow: Token) -> Reported {
        let detail = "A `for` in brackets builds a list, whose items have no keys.";
        let diagnostic = Diagnostic::error("Invalid syntax", self.span(arrow), detail);
        self.report(diagnostic.hint("An object is built by `{for k, v in MAP : KEY => VALUE}`."))
    }

    pub(super) fn grouping_in_tuple(&mut self, token: Token) -> Reported {
        let detail = "`...` puts the values of one key together, but a `for` in brackets has no keys.";
        let diagnostic = Diagnostic::error("Invalid syntax", self.span(token), detail);
        self.report(diagnostic.hint("To make one list of several, use `flatten([…])`."))
    }

    pub(super) fn too_deep(&mut self) -> Reported {
        let token = self.peek();
        let detail =
            format!("More than {MAX_NESTING} brackets, signs, conditions or blocks stand inside each other here.");
        let diagnostic = Diagnostic::error("Nesting too deep", self.span(token), detail);
        self.report(diagnostic.hint("Give a part of the expression a name in a `locals` block."))
    }

    /// Reports that a line goes on after an argument or block.
    pub(super) fn expected_end_of_line(&mut self) -> Reported {
        let token = self.peek();
        let diagnostic = self
            .invalid(|found| format!("Expected the end of the line after this argument or block, but found {found}."));
        if let Some(habit) = self.habit_after_value() {
            return self.report(diagnostic.hint(habit));
        }
        let diagnostic = diagnostic.hint(match (token.kind, self.slice(token)) {
            (Kind::Comma, _) => "Arguments are separated by line breaks alone. Remove the comma.",
            (Kind::Equal, _) => "To compare, write `==`; to set several arguments, write each on a line of its own.",
            (Kind::Invalid, ";") => "Lines end without `;`.",
            (Kind::Invalid, "&" | "|") => "Conditions are combined with `&&` and `||`.",
            (Kind::CloseBrace, _) => "The `}` of a block of several lines stands on a line of its own.",
            _ => "Each argument and each block stands on a line of its own.",
        });
        self.report(diagnostic)
    }

    /// Reports a block on one line that is none.
    pub(super) fn not_one_line(&mut self) -> Reported {
        let diagnostic = self.invalid(|found| format!("Expected `}}` in the line of its `{{`, but found {found}."));
        self.report(
            diagnostic.hint("A block on one line holds at most one argument; otherwise start a new line after `{`."),
        )
    }

    pub(super) fn brace_on_next_line(&mut self) -> Reported {
        let diagnostic = self.invalid(|found| format!("Expected `{{` for this block, but found {found}."));
        self.report(diagnostic.hint("The `{` stands on the line of the block's name."))
    }

    /// Reports a name that is followed by neither a value nor a body.
    pub(super) fn neither_argument_nor_block(&mut self, ident: &Ident, labels: &[BlockLabel]) -> Reported {
        let kind = self.peek().kind;
        let name = ident.as_str();
        let word_before = labels.last().filter(|label| self.text_of(label) == label.as_str()).map(Spanned::as_str);
        let mut diagnostic = if labels.is_empty() {
            self.invalid(|found| {
                format!("Expected `=` and a value, or a block in braces, after `{name}`, but found {found}.")
            })
        } else {
            self.invalid(|found| format!("Expected `{{` for this `{name}` block, but found {found}."))
        };
        if let Some(habit) = self.habit_of_setting(name) {
            return self.report(diagnostic.hint(habit));
        }
        diagnostic = match kind {
            Kind::EqualEqual => diagnostic.hint("To set an argument, write a single `=`."),
            Kind::Equal => diagnostic.hint(format!("A block is written `{name} \"label\" {{ … }}` without `=`.")),
            Kind::Newline | Kind::Comma | Kind::Dot | Kind::Invalid if word_before.is_some() => {
                diagnostic.hint("If this is a comment, start it with `#`.")
            }
            _ => diagnostic.hint(format!("An argument is written `{name} = VALUE`, a block `{name} {{ … }}`.")),
        };
        self.report(diagnostic)
    }

    /// Returns a label as it is written. Blocks stand only in texts of their own.
    fn text_of(&self, label: &BlockLabel) -> &str {
        self.text.get(label.span.start as usize..label.span.end as usize).unwrap_or_default()
    }

    /// Reports what starts neither an argument nor a block; returns its name if it has one nevertheless.
    pub(super) fn unexpected_structure(&mut self) -> Option<Ident> {
        let token = self.peek();
        let text = self.after_next();
        if token.kind == Kind::OpenQuote && text.kind == Kind::Text {
            let name = self.ident(text);
            let span = self.span(token).to(name.span);
            let detail = "The name of an argument or block is written without quotes.";
            let diagnostic = Diagnostic::error("Invalid syntax", Span { end: span.end + 1, ..span }, detail);
            self.report(diagnostic.hint(format!("Write `{} = VALUE`.", name.as_str())));
            return Some(name);
        }
        let diagnostic = self.invalid(|found| format!("Expected an argument or a block here, but found {found}."));
        let diagnostic = match (token.kind, self.slice(token)) {
            (Kind::Number, _) => diagnostic.hint("A name starts with a letter or `_`."),
            (Kind::Invalid, ";") => diagnostic.hint("Comments start with `#`."),
            (Kind::Invalid, _) => self.about_character(diagnostic),
            (Kind::Minus, _) if self.after_next().kind == Kind::Minus => diagnostic.hint("Comments start with `#`."),
            (Kind::OpenBrace, _) => diagnostic.hint("The `{` stands on the line of the block's name."),
            _ => diagnostic.hint("An expression goes on in the next line only in brackets: put parentheses around it."),
        };
        self.report(diagnostic);
        None
    }

    pub(super) fn duplicate_argument(&mut self, key: &Ident, first: Span, end: Kind) {
        let name = key.as_str();
        let around = if end == Kind::End { "file" } else { "block" };
        let detail = format!("The argument `{name}` was already set in this {around}. Each may be set once.");
        let diagnostic = Diagnostic::error("Duplicate argument", key.span, detail).related(first, "first set here");
        self.report(diagnostic.hint("Remove one of the two."));
    }

    pub(super) fn template_in_label(&mut self, token: Token) -> Reported {
        let detail = "The label of a block is plain text: nothing can be evaluated in it.";
        let diagnostic = Diagnostic::error("Invalid label", self.span(token), detail);
        let sign = if token.kind == Kind::OpenDirective { "%%{" } else { "$${" };
        self.report(diagnostic.hint(format!("For the characters themselves, write `{sign}`.")))
    }

    pub(super) fn invalid_escape(&mut self, start: usize, end: usize) -> Reported {
        let span = self.place.span(offset(start), offset(end));
        let detail = "A backslash in a string starts one of \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN.";
        let diagnostic = Diagnostic::error("Invalid escape sequence", span, detail);
        self.report(diagnostic.hint("For a backslash itself, write `\\\\`."))
    }

    pub(super) fn unknown_directive(&mut self, open: Token, keyword: Token) -> Reported {
        let detail = "A template directive is one of `if`, `else`, `endif`, `for` and `endfor`.";
        let diagnostic = Diagnostic::error("Unknown directive", self.span(open), detail);
        let word = if keyword.kind == Kind::Identifier { self.slice(keyword) } else { "" };
        let diagnostic = match word {
            "elseif" | "elif" | "elsif" => diagnostic.hint("Write `%{ else }%{ if CONDITION }…%{ endif }%{ endif }`."),
            _ => diagnostic
                .maybe_hint(did_you_mean(word, ["if", "else", "endif", "for", "endfor"]))
                .hint("For the characters themselves, write `%%{`."),
        };
        self.report(diagnostic)
    }

    /// Reports an `else` or an end that does not fit what is around it.
    pub(super) fn unbalanced(&mut self, word: &str, token: Token, around: Option<Token>) -> Reported {
        let diagnostic = match around {
            None => {
                let detail = format!("This `%{{ {word} }}` has no `%{{ if }}` or `%{{ for }}` before it.");
                Diagnostic::error("Unbalanced template", self.span(token), detail)
            }
            Some(around) => {
                let detail = format!("This `%{{ {word} }}` does not belong to the directive around it.");
                Diagnostic::error("Unbalanced template", self.span(token), detail)
                    .related(self.span(around), "the directive around it")
                    .hint(DIRECTIVES)
            }
        };
        self.report(diagnostic)
    }

    pub(super) fn unended(&mut self, token: Token) -> Reported {
        let detail = "The directive that starts here is not complete.";
        let diagnostic = Diagnostic::error("Unbalanced template", self.span(token), detail);
        self.report(diagnostic.hint(DIRECTIVES))
    }
}

fn describe(open: &Open) -> (&'static str, &'static str, usize) {
    match open {
        Open::Brace => ("The brace", "}", 1),
        Open::Bracket => ("The bracket", "]", 1),
        Open::Paren => ("The parenthesis", ")", 1),
        Open::Quote => ("The string", "\"", 1),
        Open::Interpolation => ("The template expression", "}", 2),
        Open::Directive => ("The template directive", "}", 2),
        Open::Heredoc { .. } => ("The heredoc", "its marker", 2),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
