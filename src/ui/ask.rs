//! The question for the value of a variable that was given none.

use std::io::{self, Write};

use super::{
    Style,
    style::Tone,
    text::{clean, wrap},
};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The variable's name.
    pub name: &'a str,
    /// What its block says about it.
    pub description: Option<&'a str>,
    /// How the value is written: `a string`.
    pub form: &'a str,
}

/// Asks for a value and returns the line that `answer` gives; `None` where there are no more lines.
///
/// # Errors
/// Where the question cannot be put, or the answer not be read.
pub fn ask(
    out: &mut dyn Write,
    style: Style,
    question: &Question<'_>,
    answer: &mut dyn FnMut() -> io::Result<Option<String>>,
) -> io::Result<Option<String>> {
    let Question { name, description, form } = question;
    writeln!(out, "\n{}", style.paint(Tone::Strong, format!("The variable `{name}` has no value.")))?;
    for line in description.iter().flat_map(|text| text.lines()).flat_map(|line| wrap(&clean(line), style.width)) {
        writeln!(out, "{line}")?;
    }
    for line in wrap(form, style.width) {
        writeln!(out, "{}", style.paint(Tone::Dim, line))?;
    }
    write!(out, "var.{name} = ")?;
    out.flush()?;
    let line = answer()?;
    if line.is_none() {
        // The answer's newline is missing too.
        writeln!(out)?;
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_what_is_wanted() {
        let mut out = Vec::new();
        let question = Question { name: "region", description: Some("Where it\nstands."), form: "It is a string." };
        let mut lines = vec![None, Some("eu".to_owned())];
        let mut answer = || Ok(lines.pop().flatten());
        let first = ask(&mut out, Style::plain(), &question, &mut answer).expect("it is text");
        let second = ask(&mut out, Style::plain(), &question, &mut answer).expect("it is text");
        assert_eq!((first.as_deref(), second), (Some("eu"), None));
        let asked = "\nThe variable `region` has no value.\nWhere it\nstands.\nIt is a string.\nvar.region = ";
        assert_eq!(String::from_utf8_lossy(&out), format!("{asked}{asked}\n"));
    }
}
