//! How fast the language is: reading text, evaluating blocks, and calling functions.
//!
//! Each figure is for one round over everything; `items` says how many blocks or calls that is, so that the time for one
//! is the same at every size where the work is linear.

use std::{fmt::Write as _, hint::black_box, path::Path};

use divan::{Bencher, counter::ItemsCount};
use loam::{
    config::{self, Config, Expr},
    diag::Diagnostics,
    eval::{self, Files, ModuleValues, Scope},
    host::Offers,
    source::Sources,
};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() {
    divan::main();
}

/// Returns a configuration of so many blocks.
fn text(blocks: usize) -> String {
    let mut text = String::new();
    for number in 0..blocks {
        writeln!(text, "resource \"loam_data\" \"r{number}\" {{\n  input = \"v${{{number} + 1}}\"\n}}\n")
            .expect("a text takes everything");
    }
    text
}

fn read(text: &str) -> Config {
    let file = config::File { name: "main.loam.hcl".to_owned(), bytes: text.as_bytes().to_vec() };
    let (config, diagnostics) = config::parse(Path::new("."), vec![file], &mut Sources::default());
    assert!(!diagnostics.has_errors(), "the text is right");
    config
}

fn module() -> (ModuleValues, Files) {
    (ModuleValues::new(".".into(), ".".into(), "/".into()), Files::new(".", "."))
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn parse(bencher: Bencher<'_, '_>, blocks: usize) {
    let text = text(blocks);
    bencher.counter(ItemsCount::new(blocks)).bench(|| read(black_box(&text)));
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn evaluate(bencher: Bencher<'_, '_>, blocks: usize) {
    let config = read(&text(blocks));
    let offers = Offers::new(Vec::new());
    let kind = offers.kind("loam_data").expect("the engine realises it");
    let (module, files) = module();
    bencher.counter(ItemsCount::new(blocks)).bench(|| {
        let mut diagnostics = Diagnostics::default();
        let scope = Scope::new(&module, &files);
        for resource in config.root.resources.values() {
            let value = eval::body(&resource.body, &kind.schema, "resource", resource.span, &scope, &mut diagnostics);
            black_box(value);
        }
        assert!(diagnostics.is_empty(), "the text is right");
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn format(bencher: Bencher<'_, '_>, blocks: usize) {
    let text = text(blocks);
    bencher.counter(ItemsCount::new(blocks)).bench(|| config::format(black_box(&text)).expect("the text is right"));
}

/// One call each: short ones, so that finding the function and checking its arguments is most of the work.
const CALLS: [&str; 8] = [
    "abs(-1)",
    "upper(\"a\")",
    "length([1, 2])",
    "max(1, 2, 3)",
    "join(\",\", [\"a\", \"b\"])",
    "merge({ a = 1 }, { b = 2 })",
    "jsonencode({ a = [1] })",
    "sha256(\"a\")",
];

#[divan::bench(args = CALLS)]
fn call(bencher: Bencher<'_, '_>, text: &str) {
    let (expr, diagnostics): (Expr, _) = config::expression("call", text, &mut Sources::default());
    assert!(diagnostics.is_empty(), "the text is right");
    let (module, files) = module();
    bencher.counter(ItemsCount::new(1usize)).bench(|| {
        let mut diagnostics = Diagnostics::default();
        eval::expr(black_box(&expr), &Scope::new(&module, &files), &mut diagnostics)
    });
}
