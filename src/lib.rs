//! loam: a declarative desired-state reconciler for stateful networks and the data they stand on.
//!
//! The modules stand in reading order; each may use only those above it.

pub mod source;

pub mod diag;

pub mod addr;

pub mod graph;

pub mod event;

pub mod config;

pub mod eval;

pub mod modules;

pub mod host;

pub mod state;

pub mod refresh;

pub mod plan;

pub mod console;

pub mod apply;

pub mod ui;

pub mod cli;
