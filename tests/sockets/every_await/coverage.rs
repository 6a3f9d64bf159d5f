//! That no operation is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::operations::OPERATIONS;

#[test]
fn every_async_method_is_among_the_operations() {
    let mut methods = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut methods);
    // Users implement it, and sockets wait for it.
    assert!(methods.remove("Authenticator::authenticate"));
    // It never ends, and waits for nothing but the clock.
    assert!(methods.remove("Publisher::run"));
    let operations: BTreeSet<_> =
        OPERATIONS.iter().map(|operation| operation.name.to_owned()).collect();

    assert_eq!(operations, methods);
    assert_eq!(operations.len(), OPERATIONS.len(), "one is there twice");
}

fn collect(path: &Path, methods: &mut BTreeSet<String>) {
    if path.is_dir() {
        // Calls have an account of their own: tests/rpc/every_await.rs drops them.
        let is_elsewhere = path.ends_with("rpc");
        if (cfg!(feature = "serde") || !path.ends_with("config")) && !is_elsewhere {
            for entry in fs::read_dir(path).unwrap() {
                collect(&entry.unwrap().path(), methods);
            }
        }
    } else {
        methods.extend(async_methods(&fs::read_to_string(path).unwrap()));
    }
}

/// The public methods that can be waited for, each with its type.
fn async_methods(source: &str) -> Vec<String> {
    let code: Vec<_> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut methods = Vec::new();
    let mut place = "";
    for (at, line) in code.iter().enumerate() {
        let text = line.trim_start();
        if (text.starts_with("impl") || text.starts_with("pub trait")) && text.ends_with('{') {
            place = text;
        }
        let Some((qualifiers, name)) = text.split_once("fn ") else { continue };
        let name = &name[..name.find(['<', '(']).unwrap_or(name.len())];
        // The signature may take several lines.
        let ends = |line: &&str| line.ends_with(['{', ';', '}']);
        let lines = code[at..].iter().position(ends).map_or(1, |lines| lines + 1);
        let signature = code[at..at + lines].concat();
        let waits = qualifiers.contains("async") || signature.contains("-> impl Future");
        let shown = match place.split_once(" for ") {
            Some((of, _)) => {
                (of.contains(" Stream") || of.contains(" Sink")) && name.starts_with("poll_")
            }
            None => waits && (qualifiers.starts_with("pub ") || place.starts_with("pub trait")),
        };
        if shown {
            let types = types(place, &code);
            methods.extend(types.iter().map(|of| format!("{of}::{name}")));
        }
    }
    methods
}

/// What an `impl` or a trait is headed with, without its parameters; in a macro, whatever the macro is
/// called for.
fn types(place: &str, code: &[&str]) -> Vec<String> {
    let mut depth = 0;
    let plain = place.replace("->", "").chars().fold(String::new(), |mut plain, c| {
        depth += i32::from(c == '<');
        if depth == 0 {
            plain.push(c);
        }
        depth -= i32::from(c == '>');
        plain
    });
    let name = plain.trim_start_matches("impl").trim_start_matches("pub trait");
    let name = name.trim_end_matches('{').split(':').next().unwrap_or_default().trim();
    if !name.starts_with('$') {
        return vec![name.to_owned()];
    }
    let calls = code.iter().filter_map(|line| line.trim().strip_suffix(';')?.split_once(" for "));
    calls.filter(|(name, _)| !name.contains('$')).map(|(name, _)| name.to_owned()).collect()
}
