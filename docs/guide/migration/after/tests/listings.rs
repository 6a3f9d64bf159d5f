//! The listings of the migration guide are the files that are compiled.
//!
//! A comment with a path precedes each listing. `WRITE=1 cargo test -p migration --test listings` writes the files into
//! the guide.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[test]
fn listings_are_equal_to_their_files() {
    for chapter in chapters() {
        let text = fs::read_to_string(&chapter).unwrap();
        let filled = filled(&text);
        if env::var_os("WRITE").is_some() {
            fs::write(&chapter, filled).unwrap();
        } else {
            assert!(text == filled, "{} is not up to date: see this test", chapter.display());
        }
    }
}

#[test]
fn every_program_is_shown() {
    let shown: BTreeSet<PathBuf> = chapters()
        .flat_map(|chapter| {
            let text = fs::read_to_string(chapter).unwrap();
            text.lines().filter_map(listed).map(PathBuf::from).collect::<Vec<_>>()
        })
        .collect();
    let mut programs = BTreeSet::new();
    for folder in ["after/src", "before/src", "before-libzmq/src"] {
        find(Path::new(folder), &mut programs);
    }
    assert_eq!(shown, programs);
}

/// Returns the text of a chapter with the contents of the files that it lists.
fn filled(text: &str) -> String {
    let mut filled = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        filled.push_str(line);
        filled.push('\n');
        let Some(file) = listed(line) else {
            assert!(!line.starts_with("```rust"), "a listing without a file: {line}");
            continue;
        };
        let fence = lines.next().unwrap_or_default();
        // The other crates are no dependencies of the guide.
        let language = if file.starts_with("after/") { "```rust" } else { "```rust,ignore" };
        assert_eq!(fence, language, "the block of {file}");
        lines.by_ref().find(|line| *line == "```").unwrap();
        let program = fs::read_to_string(root().join(file)).unwrap();
        filled.push_str(&format!("{language}\n{program}```\n"));
    }
    filled
}

/// Returns the path in a comment that precedes a listing.
fn listed(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- ")?.strip_suffix(".rs -->").map(|_| &line[5..line.len() - 4])
}

fn chapters() -> impl Iterator<Item = PathBuf> {
    let folder = fs::read_dir(root().join("../src/migration")).unwrap();
    folder.map(|entry| entry.unwrap().path())
}

/// Adds the files in a folder, except `lib.rs`, with paths that begin with the folder.
fn find(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            find(&path, found);
        } else if path.file_name().unwrap() != "lib.rs" {
            found.insert(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
