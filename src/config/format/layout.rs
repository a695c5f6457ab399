//! Lines: their indentation, and the columns that neighbouring lines share.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{
    lexer::{Kind, Token},
    spacing::is_spaced,
};

/// How far each level is indented.
const INDENT: usize = 2;

/// One line, as up to three cells; what stands between the brackets of a template in a heredoc may be a line too.
struct Line {
    /// Everything, or what stands before the equals sign.
    lead: Range<usize>,
    /// From the equals sign, where a whole value follows; empty otherwise.
    assign: Range<usize>,
    /// A comment that ends the line; empty if there is none, or nothing else.
    comment: Range<usize>,
}

/// Tokens, and how many spaces stand before each.
struct Sheet<'t> {
    tokens: Vec<Token<'t>>,
    spaces: Vec<usize>,
}

/// Writes tokens with new white space between them, and so many blanks at the end of the text.
pub(super) fn lay_out(tokens: Vec<Token<'_>>, blank_end: usize) -> String {
    let lines = lines(&tokens);
    let mut sheet = Sheet { spaces: vec![0; tokens.len()], tokens };
    sheet.indent(&lines);
    sheet.space(&lines);
    sheet.align(&lines, |line| line.assign.clone(), |line| line.lead.clone());
    sheet.align(&lines, |line| line.comment.clone(), |line| line.lead.start..line.comment.start);
    sheet.write(blank_end)
}

fn lines(tokens: &[Token<'_>]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        if at + 1 == tokens.len() || ends_line(token) {
            lines.push(line(tokens, start..at + 1));
            start = at + 1;
        }
    }
    lines
}

fn ends_line(token: &Token<'_>) -> bool {
    token.kind == Kind::Newline
        || matches!(token.kind, Kind::LineComment | Kind::InlineComment) && token.text.ends_with('\n')
}

fn line(tokens: &[Token<'_>], all: Range<usize>) -> Line {
    let has_comment = all.len() > 1 && matches!(tokens[all.end - 1].kind, Kind::LineComment | Kind::InlineComment);
    let comment = if has_comment { all.end - 1..all.end } else { all.end..all.end };
    let depth = |cell: Range<usize>| tokens[cell].iter().map(|token| token.kind.depth()).sum::<i32>();
    let equal = (all.start + 1..comment.start).find(|at| tokens[*at].kind == Kind::Equal);
    // A value that goes on in the next lines is no column.
    let cut = equal.filter(|equal| depth(*equal..comment.start) == 0).unwrap_or(comment.start);
    Line { lead: all.start..cut, assign: cut..comment.start, comment }
}

impl Sheet<'_> {
    /// Indents each line by the brackets that earlier lines left open: one level for each such line, however many
    /// brackets it opened.
    fn indent(&mut self, lines: &[Line]) {
        let mut levels: Vec<usize> = Vec::new();
        for line in lines {
            if self.tokens[line.lead.start].kind == Kind::Newline {
                continue;
            }
            let depth = self.depth(line.lead.clone()) + self.depth(line.assign.clone());
            let mut closed = usize::try_from(-depth).unwrap_or_default();
            while closed > 0
                && let Some(level) = levels.pop()
            {
                if level > closed {
                    levels.push(level - closed);
                }
                closed = closed.saturating_sub(level);
            }
            self.spaces[line.lead.start] = INDENT * levels.len();
            if let Ok(opened @ 1..) = usize::try_from(depth) {
                levels.push(opened);
            }
        }
    }

    /// Returns by how much a cell changes the depth of brackets, up to the start of a heredoc.
    fn depth(&self, cell: Range<usize>) -> i32 {
        let mut tokens = self.tokens[cell].iter();
        tokens.by_ref().take_while(|token| token.kind != Kind::OpenHeredoc).map(|token| token.kind.depth()).sum()
    }

    /// Puts spaces between the tokens of each cell.
    fn space(&mut self, lines: &[Line]) {
        for cell in lines.iter().flat_map(|line| [&line.lead, &line.assign]) {
            for right in cell.start + 1..cell.end {
                let before = (right >= cell.start + 2).then(|| &self.tokens[right - 2]);
                self.spaces[right] = usize::from(is_spaced(before, &self.tokens[right - 1], &self.tokens[right]));
            }
        }
    }

    /// Lets a cell start in the same column in all neighbouring lines that have it.
    fn align(&mut self, lines: &[Line], cell: impl Fn(&Line) -> Range<usize>, before: impl Fn(&Line) -> Range<usize>) {
        for group in lines.chunk_by(|a, b| cell(a).is_empty() == cell(b).is_empty()) {
            if group.first().is_none_or(|line| cell(line).is_empty()) {
                continue;
            }
            let widths: Vec<usize> = group.iter().map(|line| self.width(before(line))).collect();
            let widest = widths.iter().max().copied().unwrap_or_default();
            for (line, width) in group.iter().zip(widths) {
                self.spaces[cell(line).start] = widest - width + 1;
            }
        }
    }

    /// Returns how many characters, as they are seen, a range of tokens takes.
    fn width(&self, cell: Range<usize>) -> usize {
        let spaces: usize = self.spaces[cell.clone()].iter().sum();
        spaces + self.tokens[cell].iter().map(|token| token.text.graphemes(true).count()).sum::<usize>()
    }

    fn write(&self, blank_end: usize) -> String {
        let length =
            self.tokens.iter().map(|token| token.text.len()).sum::<usize>() + self.spaces.iter().sum::<usize>();
        let mut text = String::with_capacity(length + blank_end);
        for (token, spaces) in self.tokens.iter().zip(&self.spaces) {
            text.extend(std::iter::repeat_n(' ', *spaces));
            text.push_str(token.text);
        }
        // A comment that ends the text holds what follows it.
        if !self.tokens.last().is_some_and(|token| token.kind == Kind::LineComment) {
            text.extend(std::iter::repeat_n(' ', blank_end));
        }
        text
    }
}
