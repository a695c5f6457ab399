//! `loam graph`

use super::{
    Global,
    error::{Code, Failure},
    inputs::Inputs,
    project::{Given, Project},
    terminal::Terminal,
};
use crate::{
    config::Member,
    graph::{self, Shape},
    plan::order::Order,
};

/// Draw which block needs which
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  loam graph | dot -Tsvg > graph.svg")]
pub(super) struct Args {
    /// The language to draw in: Graphviz's, or Mermaid, which code hosts draw in Markdown
    #[arg(long, value_enum, default_value_t = Format::Dot)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Dot,
    Mermaid,
}

pub(super) fn run(terminal: &mut Terminal, global: &Global, args: &Args) -> Result<Code, Failure> {
    let project = Project::open(terminal, global, Given::Partly(&Inputs::default()))?;
    let order = match Order::of(&project.config.root) {
        Ok(order) => order,
        Err(diagnostics) => return Err(Failure::Configuration { diagnostics, sources: project.sources }),
    };
    let label = |at: usize| {
        let shape = match order.node(at).member {
            Member::Block(_) => Shape::Box,
            Member::Variable(_) | Member::Local(_) | Member::Provider(_) | Member::Output(_) => Shape::Round,
            Member::Call(_) | Member::All => Shape::Round,
        };
        (order.name(at), shape)
    };
    let nodes: Vec<(String, Shape)> = (0..order.len()).map(label).collect();
    let text = match args.format {
        Format::Dot => graph::dot(order.graph(), &nodes),
        Format::Mermaid => graph::mermaid(order.graph(), &nodes),
    };
    terminal.screen.result(|out, _| out.write_all(text.as_bytes()))?;
    Ok(Code::Done)
}
