//! Texts by the rules of the language, laid out carelessly.

use crate::dice::Dice;

/// How deep texts are nested.
const DEPTH: usize = 5;

const NAMES: &[&str] = &["a", "b", "x", "each", "count", "self", "in", "if", "for", "null", "type", "über", "a-b", "_"];
const ROOTS: &[&str] = &[
    "var.a",
    "var.list",
    "var.map",
    "local.b",
    "each.key",
    "count.index",
    "path.module",
    "loam_data.x",
    "data.file.y",
];
const LITERALS: &[&str] = &[
    "0",
    "1",
    "-1",
    "1.5",
    "1e3",
    "123456789012345678901234567890",
    "0.1",
    "1e-400",
    "1e400",
    "true",
    "false",
    "null",
    "\"\"",
    "\"text\"",
    "\"ünï\\u0301\"",
    "\"\\n\\t\\\"\\\\\"",
    "\"$${x} %%{y}\"",
    "\"1\"",
    "\"true\"",
    "[]",
    "{}",
];
const FUNCTIONS: &[&str] = &[
    "length",
    "upper",
    "jsonencode",
    "jsondecode",
    "merge",
    "concat",
    "flatten",
    "keys",
    "values",
    "lookup",
    "element",
    "slice",
    "format",
    "formatlist",
    "join",
    "split",
    "replace",
    "substr",
    "tostring",
    "tonumber",
    "tolist",
    "toset",
    "tomap",
    "try",
    "can",
    "coalesce",
    "max",
    "min",
    "floor",
    "parseint",
    "range",
    "zipmap",
    "setproduct",
    "setunion",
    "distinct",
    "sort",
    "reverse",
    "sensitive",
    "nonsensitive",
    "type",
    "title",
    "trimspace",
    "indent",
    "chunklist",
    "contains",
    "index",
    "sum",
    "transpose",
    "base64encode",
    "base64decode",
    "sha256",
    "regex",
    "cidrsubnet",
    "timeadd",
    "formatdate",
    "yamlencode",
    "yamldecode",
    "csvdecode",
    "strrev",
    "startswith",
    "one",
    "alltrue",
    "nope",
];
const OPERATORS: &[&str] = &["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||"];
const BLOCKS: &[&str] = &[
    "locals",
    "resource \"loam_data\" \"x\"",
    "variable \"a\"",
    "output \"o\"",
    "data \"file\" \"y\"",
    "module \"m\"",
    "moved",
    "import",
    "removed",
    "check \"c\"",
    "provider \"local\"",
    "loam",
    "terraform",
    "lifecycle",
    "dynamic \"d\"",
    "content",
    "precondition",
    "validation",
    "resource a b",
    "x",
];
const ATTRIBUTES: &[&str] = &[
    "input",
    "value",
    "type",
    "default",
    "count",
    "for_each",
    "depends_on",
    "provider",
    "condition",
    "error_message",
    "source",
    "from",
    "to",
    "id",
    "sensitive",
    "path",
    "ignore_changes",
    "a",
    "bbbb",
];
const TYPES: &[&str] = &[
    "string",
    "number",
    "any",
    "list(string)",
    "map(any)",
    "object({a=string,b=optional(number,1)})",
    "\"string\"",
    "\"list\"",
    "map",
    "set(object({}))",
    "tuple([string,bool])",
];

/// Writes a text.
pub(crate) struct Writer<'d> {
    dice: &'d mut Dice,
    text: String,
    /// Whether a line may end here without ending what is written.
    is_in_brackets: bool,
}

/// Returns an expression.
pub(crate) fn expression(dice: &mut Dice) -> String {
    let mut writer = Writer { dice, text: String::new(), is_in_brackets: false };
    writer.expression(DEPTH);
    writer.text
}

/// Returns a configuration.
pub(crate) fn configuration(dice: &mut Dice) -> String {
    let items = 1 + dice.below(5);
    let mut writer = Writer { dice, text: String::new(), is_in_brackets: false };
    writer.body(DEPTH - 2, items);
    writer.text
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn pick(&mut self, things: &[&str]) {
        let picked = self.dice.pick(things).to_owned();
        self.put(&picked);
    }

    /// Puts white space that means nothing.
    fn gap(&mut self) {
        match self.dice.below(24) {
            0..=9 => self.put(" "),
            10..=11 => self.put("   "),
            12 => self.put("\t"),
            13 => self.put(" /* c */ "),
            14 if self.is_in_brackets => self.put("\n"),
            15 if self.is_in_brackets => self.put(" # c\n"),
            _ => {}
        }
    }

    fn line_end(&mut self) {
        match self.dice.below(12) {
            0 => self.put(" # c\n"),
            1 => self.put("// c\n"),
            2 => self.put(" /* c */\n"),
            3 => self.put("\n\n\n"),
            4 => self.put("  \t\n"),
            5 => self.put("\r\n"),
            _ => self.put("\n"),
        }
    }

    fn body(&mut self, depth: usize, items: usize) {
        for _ in 0..items {
            self.gap();
            if depth > 0 && self.dice.below(5) < 2 {
                self.pick(BLOCKS);
                self.gap();
                self.put("{");
                if self.dice.once_in(6) {
                    self.gap();
                    if self.dice.once_in(2) {
                        self.attribute(depth - 1);
                    }
                } else {
                    self.line_end();
                    let items = self.dice.below(5);
                    self.body(depth - 1, items);
                }
                self.put("}");
            } else {
                self.attribute(depth);
            }
            self.line_end();
        }
    }

    fn attribute(&mut self, depth: usize) {
        let at = self.text.len();
        self.pick(ATTRIBUTES);
        let is_type = &self.text[at..] == "type";
        self.gap();
        self.put("=");
        self.gap();
        if is_type { self.pick(TYPES) } else { self.expression(depth + 1) }
    }

    fn expression(&mut self, depth: usize) {
        if depth == 0 {
            return if self.dice.once_in(2) { self.pick(LITERALS) } else { self.pick(ROOTS) };
        }
        let depth = depth - 1;
        match self.dice.below(16) {
            0..=1 => self.pick(LITERALS),
            2 => self.pick(ROOTS),
            3 => self.bracketed("(", ")", |writer| writer.expression(depth)),
            4 => {
                self.pick(&["-", "!", "- ", "!!"]);
                self.expression(depth);
            }
            5..=6 => {
                self.expression(depth);
                self.gap();
                self.pick(OPERATORS);
                self.gap();
                self.expression(depth);
            }
            7 => {
                self.expression(depth);
                self.put(" ?");
                self.gap();
                self.expression(depth);
                self.put(" :");
                self.gap();
                self.expression(depth);
            }
            8 => self.list(depth, "[", "]"),
            9 => self.object(depth),
            10 => {
                self.pick(FUNCTIONS);
                self.list(depth, "(", ")");
            }
            11 => self.traversal(depth),
            12 => self.for_expression(depth),
            13..=14 => self.quoted(depth),
            _ => self.heredoc(depth),
        }
    }

    fn bracketed(&mut self, open: &str, close: &str, inside: impl FnOnce(&mut Self)) {
        let outside = std::mem::replace(&mut self.is_in_brackets, true);
        self.put(open);
        self.gap();
        inside(self);
        self.gap();
        self.put(close);
        self.is_in_brackets = outside;
    }

    fn list(&mut self, depth: usize, open: &str, close: &str) {
        let items = self.dice.below(4);
        self.bracketed(open, close, |writer| {
            for item in 0..items {
                writer.expression(depth);
                writer.gap();
                if item + 1 < items || writer.dice.once_in(4) {
                    writer.put(",");
                    writer.gap();
                } else if open == "(" && writer.dice.once_in(6) {
                    writer.put("...");
                }
            }
        });
    }

    fn object(&mut self, depth: usize) {
        let outside = std::mem::replace(&mut self.is_in_brackets, false);
        let has_lines = self.dice.once_in(2);
        self.put("{");
        if has_lines {
            self.line_end();
        }
        for _ in 0..self.dice.below(4) {
            match self.dice.below(4) {
                0 => self.quoted(0),
                1 => self.bracketed("(", ")", |writer| writer.expression(0)),
                _ => self.pick(NAMES),
            }
            self.gap();
            self.pick(&["=", "=", ":"]);
            self.gap();
            self.expression(depth);
            if has_lines {
                if self.dice.once_in(3) {
                    self.put(",");
                }
                self.line_end();
            } else {
                self.put(",");
            }
        }
        self.put("}");
        self.is_in_brackets = outside;
    }

    fn traversal(&mut self, depth: usize) {
        if self.dice.once_in(2) {
            self.pick(ROOTS)
        } else {
            self.bracketed("(", ")", |writer| writer.expression(depth))
        }
        for _ in 0..=self.dice.below(3) {
            match self.dice.below(5) {
                0 => self.put("[*]"),
                1 => self.put(".*"),
                2 => self.bracketed("[", "]", |writer| writer.expression(0)),
                3 => self.put(".0"),
                _ => {
                    self.put(".");
                    self.pick(NAMES);
                }
            }
        }
    }

    fn for_expression(&mut self, depth: usize) {
        let is_object = self.dice.once_in(2);
        let (open, close) = if is_object { ("{", "}") } else { ("[", "]") };
        self.bracketed(open, close, |writer| {
            writer.put("for ");
            if writer.dice.once_in(2) {
                writer.put("k, ");
            }
            writer.put("v in ");
            writer.expression(depth);
            writer.gap();
            writer.put(":");
            writer.gap();
            writer.expression(depth.min(1));
            if is_object {
                writer.put(" => ");
                writer.expression(depth.min(1));
                if writer.dice.once_in(3) {
                    writer.put("...");
                }
            }
            if writer.dice.once_in(3) {
                writer.put(" if ");
                writer.expression(depth.min(1));
            }
        });
    }

    fn quoted(&mut self, depth: usize) {
        self.put("\"");
        self.parts(depth, &["text", "\\n", "\\\"", "$${", "%%{", "é", " ", "$", "%", "\\u00e9"]);
        self.put("\"");
    }

    fn heredoc(&mut self, depth: usize) {
        if self.is_in_brackets {
            return self.quoted(depth);
        }
        self.pick(&["<<EOT\n", "<<-EOT\n", "<<-EOT\r\n"]);
        self.parts(depth, &["  text\n", "\ttext\n", "text", "\n", "$${x}\n", "\"\\n", "   ", "EOT x\n"]);
        self.put("\n  EOT");
    }

    fn parts(&mut self, depth: usize, texts: &[&str]) {
        for _ in 0..self.dice.below(4) {
            match self.dice.below(6) {
                0..=2 => self.pick(texts),
                3..=4 => {
                    let (open, close) = (self.dice.pick(&["${", "${~"]), self.dice.pick(&["}", "~}"]));
                    self.bracketed(open, close, |writer| writer.expression(depth.saturating_sub(1).min(2)));
                }
                _ if self.dice.once_in(2) => {
                    self.bracketed("%{ if", "}", |writer| writer.expression(0));
                    self.put("y%{ else }n%{ endif ~}");
                }
                _ => {
                    self.bracketed("%{ for v in", "}", |writer| writer.expression(0));
                    self.put("${v}%{ endfor }");
                }
            }
        }
    }
}
