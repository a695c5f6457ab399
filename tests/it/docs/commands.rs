//! Commands that documents show.

use super::page::{pages, root};

#[test]
fn every_command_line_is_one() {
    let mut seen = 0;
    for page in pages() {
        for fence in page.fences().iter().filter(|fence| fence.info == "sh") {
            for line in fence.text.lines() {
                for words in invocations(line) {
                    seen += 1;
                    check(&words).unwrap_or_else(|problem| panic!("{}: `{line}`: {problem}", fence.place));
                }
            }
        }
    }
    assert!(seen > 10, "only {seen} commands were found");
}

/// An example has the outputs that its document asks for.
#[test]
fn outputs_of_examples_exist() {
    let mut seen = 0;
    for page in pages().iter().filter(|page| page.path.starts_with("examples")) {
        let folder = root().join(page.path.parent().unwrap());
        // The page that lists the examples is about none of them.
        let Ok(configuration) = std::fs::read_to_string(folder.join("main.loam.hcl")) else {
            assert!(folder.ends_with("examples"), "{} has no main.loam.hcl", folder.display());
            continue;
        };
        for fence in page.fences().iter().filter(|fence| fence.info == "sh") {
            for words in fence.text.lines().flat_map(invocations).filter(|words| words[0] == "loam") {
                let matches = loam::cli::command().get_matches_from(words);
                let output = matches.subcommand_matches("output").and_then(|output| output.get_one::<String>("name"));
                if let Some(name) = output {
                    seen += 1;
                    assert!(configuration.contains(&format!("output \"{name}\"")), "{}: no `{name}`", fence.place);
                }
            }
        }
    }
    assert!(seen > 5, "only {seen} outputs were asked for");
}

/// In prose a command may have words such as FILE in the place of values; its name and options are checked.
#[test]
fn commands_in_prose_exist() {
    let mut seen = 0;
    for page in pages() {
        for (line, code) in page.inline_code() {
            let Some(rest) = code.strip_prefix("loam ") else { continue };
            // A block, and the example of a command that is none.
            if rest.starts_with('{') || rest == "no-such-command" {
                continue;
            }
            seen += 1;
            let problem = unknown(rest);
            assert!(problem.is_none(), "{}: `{code}`: {}", page.place(line), problem.unwrap_or_default());
        }
    }
    assert!(seen > 30, "only {seen} commands were found");
}

/// Returns the calls of loam and of cargo's tasks in a line of a shell, each as words.
fn invocations(line: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote, mut is_word) = (String::new(), None, false);
    let mut outer: Vec<(Vec<String>, Option<char>)> = Vec::new();
    let mut chars = line.chars().peekable();
    let end_word = |word: &mut String, is_word: &mut bool, words: &mut Vec<String>| {
        if std::mem::take(is_word) {
            words.push(std::mem::take(word));
        }
    };
    while let Some(char) = chars.next() {
        match char {
            '\'' if quote.is_none() => {
                is_word = true;
                word.extend(chars.by_ref().take_while(|char| *char != '\''));
            }
            '"' => {
                is_word = true;
                quote = if quote.is_some() { None } else { Some('"') };
            }
            '$' if chars.peek() == Some(&'(') => {
                chars.next();
                outer.push((std::mem::take(&mut words), quote.take()));
                (word, is_word) = (String::new(), false);
            }
            ')' if !outer.is_empty() => {
                end_word(&mut word, &mut is_word, &mut words);
                let (around, its_quote) = outer.pop().unwrap_or_default();
                found.push(std::mem::replace(&mut words, around));
                // What a command prints is some word of the command around it.
                (word, is_word, quote) = ("X".to_owned(), true, its_quote);
            }
            '#' if quote.is_none() && !is_word => break,
            '|' | ';' | '&' | '>' | '<' if quote.is_none() => {
                end_word(&mut word, &mut is_word, &mut words);
                found.push(std::mem::take(&mut words));
            }
            char if char.is_whitespace() && quote.is_none() => end_word(&mut word, &mut is_word, &mut words),
            char => {
                is_word = true;
                word.push(char);
            }
        }
    }
    end_word(&mut word, &mut is_word, &mut words);
    found.push(words);
    let is_ours = |words: &Vec<String>| {
        let first = words.first().map(String::as_str);
        first == Some("loam") || (first == Some("cargo") && words.get(1).is_some_and(|word| word == "xtask"))
    };
    found.retain(is_ours);
    found
}

fn check(words: &[String]) -> Result<(), String> {
    if words[0] == "cargo" {
        let task = words.get(2).map(String::as_str).unwrap_or_default();
        let is_task = ["bench", "ci", "fuzz", "lint", "test"].contains(&task);
        return if is_task { Ok(()) } else { Err(format!("there is no task `{task}`")) };
    }
    match loam::cli::command().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) if !error.use_stderr() => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the first word of a call that its command does not know.
fn unknown(call: &str) -> Option<String> {
    let mut command = loam::cli::command();
    command.build();
    for word in call.split_whitespace() {
        if let Some(option) = word.strip_prefix("--") {
            let name = option.split('=').next().unwrap_or_default();
            if !command.get_arguments().any(|argument| argument.get_long() == Some(name)) && name != "help" {
                return Some(format!("there is no option `--{name}`"));
            }
        } else if command.has_subcommands() && !word.starts_with('-') {
            // Words in capitals stand for what the user writes.
            let is_placeholder = word.chars().all(|char| char.is_ascii_uppercase());
            match command.find_subcommand(word) {
                Some(found) => command = found.clone(),
                None if is_placeholder => {}
                None => return Some(format!("there is no command `{word}`")),
            }
        }
    }
    None
}

#[test]
fn calls_are_found_in_lines_of_a_shell() {
    let calls = |line: &str| invocations(line).iter().map(|words| words.join(" ")).collect::<Vec<_>>();
    assert_eq!(calls("loam plan  # not loam"), ["loam plan"]);
    assert_eq!(calls("kill -9 PID && loam apply --var 'a=b c'"), ["loam apply --var a=b c"]);
    assert_eq!(calls("curl \"$(loam output --raw x)/kv\" | loam fmt -"), ["loam output --raw x", "loam fmt -"]);
    assert_eq!(calls("loam graph | dot -Tsvg > graph.svg"), ["loam graph"]);
    assert_eq!(calls("cargo xtask test"), ["cargo xtask test"]);
    assert!(check(&["loam".into(), "plan".into(), "--uot".into()]).is_err());
    assert!(unknown("plan --uot FILE").is_some() && unknown("state rm ADDRESS").is_none() && unknown("stat").is_some());
}
