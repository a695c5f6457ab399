//! `loam demo-node`

use std::{net::SocketAddr, path::PathBuf};

use super::error::{Code, Failure};

/// Serve a small replicated key-value store: a node to try networks with
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Over HTTP: GET /health, GET and PUT /kv/KEY, GET /count. What is written to one node reaches its peers.

Examples:
  loam demo-node --name a --data-dir a --listen 127.0.0.1:8080
  loam demo-node --data-dir seed --fill greeting=hello")]
pub(super) struct Args {
    /// The node's name
    #[arg(long, default_value = "demo", required_unless_present = "fill")]
    name: String,
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the database is kept
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The nodes to follow, as http://HOST:PORT, separated by commas; may name this node too
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    peers: Vec<loam_demo::Peer>,
    /// Only write these KEY=VALUE pairs into the database, and end
    #[arg(long, value_name = "KEY=VALUE", num_args = 1.., conflicts_with_all = ["peers", "listen"])]
    fill: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<Code, Failure> {
    if !args.fill.is_empty() {
        let pairs: Option<Vec<(&str, &str)>> = args.fill.iter().map(|pair| pair.split_once('=')).collect();
        let pairs = pairs.ok_or_else(|| Failure::new("what `--fill` takes is KEY=VALUE"))?;
        loam_demo::fill(&args.data_dir, pairs)?;
        return Ok(Code::Done);
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false).init();
    let options =
        loam_demo::Options { name: args.name, listen: args.listen, data_dir: args.data_dir, peers: args.peers };
    let runtime = super::run::runtime()?;
    runtime.block_on(loam_demo::serve(options, super::interrupt::signalled()))?;
    Ok(Code::Done)
}
