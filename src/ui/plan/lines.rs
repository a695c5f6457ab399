//! Differences between strings: by line, by structure where both are JSON, by what stands between what is the same.

use similar::{ChangeTag, DiffOp, TextDiff};
use unicode_segmentation::UnicodeSegmentation;

use super::diff::{self, Difference};
use crate::eval::Marks;
use crate::ui::{
    text::{count, quote},
    tree::{Body, Line, Look, Mark, Piece, Text},
    value::{escape_line, in_jsonencode, structure},
};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// Beyond this many lines on both sides together, a difference is not worked out: nobody would read it.
const MOST_LINES: usize = 10_000;
/// Beyond this many bytes that change together, the words that differ are not looked for.
const LONGEST_RUN: usize = 8_000;
/// Strings that share less than this at their ends, in thirds of their length, are simply different.
const SHARED_THIRDS: usize = 1;

/// Returns the difference between two strings that are not equal.
pub(super) fn strings(before: &str, after: &str) -> Body {
    if let (Some(old), Some(new)) = (structure(before), structure(after)) {
        // What differs only in its spaces is compared as text.
        if old != new
            && let Difference::One(Body::Difference(inside)) = diff::values(&old, &new, &Marks::none())
        {
            return Body::Difference(in_jsonencode(inside));
        }
    }
    let is_long = |text: &str| text.trim_end_matches('\n').contains('\n');
    if is_long(before) || is_long(after) {
        return lines(before, after);
    }
    let (before, after) = apart(&quote(before), &quote(after));
    Body::Pair { before, after }
}

fn lines(before: &str, after: &str) -> Body {
    let total = before.lines().count() + after.lines().count();
    if total > MOST_LINES {
        let of = |text: &str| Text::placeholder(&format!("({})", count(text.lines().count(), "line", "lines")));
        return Body::Pair { before: of(before), after: of(after) };
    }
    let diff = TextDiff::from_lines(before, after);
    let groups = diff.grouped_ops(CONTEXT);
    let mut lines = Vec::new();
    let mut next = 0;
    for group in &groups {
        let start = group.first().map_or(next, |op| op.old_range().start);
        skip(&mut lines, start - next);
        for op in group {
            change(&mut lines, &diff, op);
        }
        next = group.last().map_or(next, |op| op.old_range().end);
    }
    skip(&mut lines, before.lines().count().saturating_sub(next));
    if before.ends_with('\n') != after.ends_with('\n') {
        let has = if after.ends_with('\n') { "now ends in a newline" } else { "no longer ends in a newline" };
        lines.push(Line::Remark(has.to_owned()));
    }
    Body::Lines(lines)
}

fn skip(lines: &mut Vec<Line>, unchanged: usize) {
    if unchanged > 0 {
        lines.push(Line::Skipped(count(unchanged, "unchanged line", "unchanged lines")));
    }
}

fn change(lines: &mut Vec<Line>, diff: &TextDiff<'_, '_, str>, op: &DiffOp) {
    let mark = |tag| match tag {
        ChangeTag::Equal => Mark::Same,
        ChangeTag::Delete => Mark::Removed,
        ChangeTag::Insert => Mark::Added,
    };
    let show = |text: &str| escape_line(text.trim_end_matches(['\n', '\r']));
    let bytes: usize = diff.iter_changes(op).map(|change| change.value().len()).sum();
    if bytes > LONGEST_RUN {
        let plain = diff.iter_changes(op).map(|change| {
            let text = Text::plain(show(change.value()));
            Line::Of { mark: mark(change.tag()), text }
        });
        return lines.extend(plain);
    }
    // No deadline: the same strings must look the same on a slow machine.
    for change in diff.iter_inline_changes_deadline(op, None) {
        let pieces = change.iter_strings_lossy().filter_map(|(differs, text)| {
            let text = show(&text);
            let look = if differs { Look::Differs } else { Look::Plain };
            (!text.is_empty()).then_some(Piece { text, look })
        });
        lines.push(Line::Of { mark: mark(change.tag()), text: Text(pieces.collect()) });
    }
}

/// Returns both strings with what differs between their common start and end set off.
fn apart(before: &str, after: &str) -> (Text, Text) {
    let same = |(left, right): &(&str, &str)| left == right;
    let size = |(left, _): (&str, &str)| left.len();
    let start: usize = before.graphemes(true).zip(after.graphemes(true)).take_while(same).map(size).sum();
    let (rest_before, rest_after) = (&before[start..], &after[start..]);
    let backwards = rest_before.graphemes(true).rev().zip(rest_after.graphemes(true).rev());
    let end: usize = backwards.take_while(same).map(size).sum();
    let longest = before.len().max(after.len());
    if longest <= 20 || (start + end) * 3 < longest * SHARED_THIRDS {
        return (Text::plain(before), Text::plain(after));
    }
    let set_off = |text: &str| {
        let middle = text.len() - end;
        let pieces =
            [(&text[..start], Look::Plain), (&text[start..middle], Look::Differs), (&text[middle..], Look::Plain)];
        let pieces = pieces.into_iter().filter(|(text, _)| !text.is_empty());
        Text(pieces.map(|(text, look)| Piece { text: text.to_owned(), look }).collect())
    };
    (set_off(before), set_off(after))
}
