//! Random configurations: blocks that are made from each other, and edits of them.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::random::dice::Dice;

/// What must never be shown.
pub(crate) const CANARY: &str = "canary-77aa-3c";

/// A configuration. A block is made only from blocks that stand before it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    blocks: Vec<Block>,
    made: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Thing,
    Volume,
    Plain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Repeat {
    Once,
    Count(usize),
    Each(BTreeSet<&'static str>),
}

#[derive(Debug, Clone)]
struct Block {
    name: String,
    kind: Kind,
    repeat: Repeat,
    size: usize,
    color: usize,
    /// Whether its colour is that of the first block it is made from, so that it is replaced with it.
    is_coloured: bool,
    is_secret: bool,
    create_first: bool,
    ignores_size: bool,
    on_destroy: Option<&'static str>,
    made_from: Vec<String>,
    depends_on: Vec<String>,
    trigger: Option<String>,
    uses_local: bool,
    has_output: bool,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Thing => "sim_thing",
            Self::Volume => "sim_volume",
            Self::Plain => "loam_data",
        }
    }
}

impl Block {
    fn reference(&self) -> String {
        format!("{}.{}", self.kind.word(), self.name)
    }

    /// Returns what others take from it: something known only once it is made.
    fn value(&self) -> String {
        let (reference, attribute) = (self.reference(), if self.kind == Kind::Plain { "id" } else { "generation" });
        match self.repeat {
            Repeat::Once => format!("[{reference}.id, {reference}.{attribute}]"),
            Repeat::Count(_) => format!("[for one in {reference} : [one.id, one.{attribute}]]"),
            Repeat::Each(_) => format!("{{ for key, one in {reference} : key => [one.id, one.{attribute}] }}"),
        }
    }
}

impl Program {
    /// Changes a few things.
    pub(crate) fn edit(&mut self, dice: &mut Dice) {
        if self.blocks.is_empty() {
            for _ in 0..dice.between(2, 7) {
                self.add(dice);
            }
            return;
        }
        for _ in 0..dice.between(2, 6) {
            self.edit_once(dice);
        }
    }

    fn edit_once(&mut self, dice: &mut Dice) {
        if self.blocks.is_empty() {
            return self.add(dice);
        }
        let at = dice.below(self.blocks.len());
        match dice.below(17) {
            0 => self.add(dice),
            1 => drop(self.blocks.remove(at)),
            2 => {
                let moved = self.blocks.remove(at);
                self.blocks.insert(dice.below(self.blocks.len() + 1), moved);
            }
            3 => self.blocks[at].made_from = self.some_names(dice, 3),
            4 => self.blocks[at].depends_on = self.some_names(dice, 2),
            5 => self.blocks[at].repeat = repeat(dice),
            6 => self.blocks[at].create_first ^= true,
            7 => self.blocks[at].is_secret ^= true,
            8 | 12 | 13 => self.blocks[at].color += 1,
            14 => self.blocks[at].is_coloured ^= true,
            9 => self.blocks[at].on_destroy = on_destroy(dice),
            10 => self.blocks[at].trigger = self.some_names(dice, 2).pop(),
            11 => self.blocks[at].uses_local ^= true,
            _ => self.blocks[at].size = dice.below(9),
        }
    }

    fn some_names(&self, dice: &mut Dice, most: usize) -> Vec<String> {
        let count = dice.below(most + 1).min(self.blocks.len());
        (0..count).map(|_| self.blocks[dice.below(self.blocks.len())].name.clone()).collect()
    }

    fn add(&mut self, dice: &mut Dice) {
        self.made += 1;
        let block = Block {
            name: format!("b{}", self.made),
            kind: [Kind::Thing, Kind::Thing, Kind::Thing, Kind::Volume, Kind::Plain][dice.below(5)],
            repeat: repeat(dice),
            size: dice.below(9),
            color: dice.below(3),
            is_coloured: dice.one_in(4),
            is_secret: dice.one_in(4),
            create_first: dice.one_in(4),
            ignores_size: dice.one_in(6),
            on_destroy: on_destroy(dice),
            made_from: self.some_names(dice, 3),
            depends_on: self.some_names(dice, 1),
            trigger: if dice.one_in(6) { self.some_names(dice, 2).pop() } else { None },
            uses_local: dice.one_in(3),
            has_output: dice.one_in(2),
        };
        let at = dice.below(self.blocks.len() + 1);
        self.blocks.insert(at, block);
    }

    /// Returns the addresses of blocks whose things stay when they are no longer wanted.
    pub(crate) fn retained(&self) -> impl Iterator<Item = String> {
        let is_retained = |block: &&Block| match block.on_destroy {
            Some(word) => word == "retain",
            None => block.kind == Kind::Volume,
        };
        self.blocks.iter().filter(is_retained).map(Block::reference)
    }

    /// Returns the configuration as text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("variable \"canary\" {{\n  default = \"{CANARY}\"\n  sensitive = true\n}}\n");
        for at in 0..self.blocks.len() {
            self.block(at, &mut text).expect("text takes everything");
        }
        text
    }

    /// Returns those of the named blocks that stand before a position, each once.
    fn before(&self, at: usize, names: &[String]) -> Vec<&Block> {
        self.blocks[..at].iter().filter(|block| names.contains(&block.name)).collect()
    }

    fn block(&self, at: usize, text: &mut String) -> std::fmt::Result {
        let block = &self.blocks[at];
        let made_from = self.before(at, &block.made_from);
        let own = match block.repeat {
            Repeat::Once => "null",
            Repeat::Count(_) => "count.index",
            Repeat::Each(_) => "each.key",
        };
        let values: Vec<String> = made_from.iter().map(|from| from.value()).collect();
        let secret = if block.is_secret { "\"${var.canary}/x\"" } else { "0" };
        let mut input = format!("[{own}, {}, {secret}, {{ all = [{}] }}]", block.size, values.join(", "));
        if block.uses_local {
            writeln!(text, "locals {{\n  all_{} = [{}]\n}}", block.name, values.join(", "))?;
            input = format!("[{own}, {secret}, local.all_{}]", block.name);
        }
        writeln!(text, "resource \"{}\" \"{}\" {{", block.kind.word(), block.name)?;
        match &block.repeat {
            Repeat::Once => {}
            Repeat::Count(count) => writeln!(text, "  count = {count}")?,
            Repeat::Each(keys) => writeln!(text, "  for_each = toset({keys:?})", keys = Vec::from_iter(keys))?,
        }
        let color = match made_from.first() {
            Some(from) if block.is_coloured => format!("jsonencode({})", from.value()),
            Some(_) | None => format!("\"color-{}\"", block.color),
        };
        match block.kind {
            Kind::Thing => {
                writeln!(
                    text,
                    "  name = \"{}\"\n  size = {}\n  color = {color}\n  input = {input}",
                    block.name, block.size
                )?;
                if block.is_secret {
                    writeln!(text, "  secret = var.canary\n  tags = {{ t = var.canary, n = \"{}\" }}", block.size)?;
                }
            }
            Kind::Volume => {
                writeln!(
                    text,
                    "  name = \"{}\"\n  size = {}\n  content = jsonencode({input})",
                    block.name, block.size
                )?;
            }
            Kind::Plain => writeln!(text, "  input = {input}\n  triggers_replace = {color}")?,
        }
        if let Some(word) = block.on_destroy {
            writeln!(text, "  on_destroy = \"{word}\"")?;
        }
        let depends_on: Vec<String> = self.before(at, &block.depends_on).into_iter().map(Block::reference).collect();
        writeln!(text, "  depends_on = [{}]\n  lifecycle {{", depends_on.join(", "))?;
        if block.create_first {
            writeln!(text, "    create_before_destroy = true")?;
        }
        if block.ignores_size && block.kind != Kind::Plain {
            writeln!(text, "    ignore_changes = [size]")?;
        }
        let trigger: Vec<String> = block.trigger.iter().cloned().collect();
        if let Some(trigger) = self.before(at, &trigger).first() {
            writeln!(text, "    replace_triggered_by = [{}]", trigger.reference())?;
        }
        writeln!(text, "  }}\n}}")?;
        if block.has_output {
            writeln!(text, "output \"{}\" {{\n  value = {}\n}}", block.name, block.value())?;
            writeln!(
                text,
                "output \"all_{0}\" {{\n  value = {1}\n  sensitive = true\n}}",
                block.name,
                block.reference()
            )?;
        }
        Ok(())
    }
}

fn repeat(dice: &mut Dice) -> Repeat {
    match dice.below(4) {
        0 => Repeat::Count(dice.below(4)),
        1 => Repeat::Each(["x", "y", "z"].into_iter().filter(|_| dice.one_in(2)).collect()),
        _ => Repeat::Once,
    }
}

fn on_destroy(dice: &mut Dice) -> Option<&'static str> {
    [None, None, Some("delete"), Some("retain")][dice.below(4)]
}
