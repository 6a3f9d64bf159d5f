//! The paths that ARCHITECTURE.md names under *What to touch*.

use std::fs;
use std::path::Path;

/// The directories that these paths start from.
const BASES: &[&str] = &["", "src", "tests/sockets"];

#[test]
fn paths_that_a_change_touches_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(page) = fs::read_to_string(root.join("ARCHITECTURE.md")) else {
        return; // The published package lacks this page.
    };
    let (_, section) = page.split_once("\n## What to touch\n").unwrap();
    let spans = section.split('`').skip(1).step_by(2);
    let paths: Vec<_> = spans.filter(|span| is_path(span)).collect();
    assert!(paths.len() > 30, "the section has another form");
    for path in paths {
        let exists = BASES.iter().any(|base| root.join(base).join(path).exists());
        assert!(exists, "`{path}` does not exist");
    }
}

/// Returns whether a code span is the path of a file or directory.
fn is_path(span: &str) -> bool {
    let is_file = Path::new(span).extension().is_some();
    !span.contains(['(', ':', ' ']) && (is_file || span.contains('/'))
}
