//! The pages that name tests name only tests that exist.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_is_named_in_docs_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["docs/conformance.md", "docs/parity.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let named: Vec<_> = named_tests(&text).collect();
        assert!(named.len() > 10, "{page} names its tests in another form");
        let missing: Vec<_> =
            named.iter().filter(|(file, test)| !exists(root, file, test)).collect();
        assert!(missing.is_empty(), "{page} names tests that do not exist: {missing:#?}");
    }
}

/// Finds file and function of every code span of the form `path/to/file.rs: name`.
fn named_tests(text: &str) -> impl Iterator<Item = (String, &str)> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter_map(|span| {
        let (stem, test) = span.split_once(".rs: ")?;
        Some((format!("{stem}.rs"), test))
    })
}

fn exists(root: &Path, file: &str, test: &str) -> bool {
    let package = ["interop", "proto"].into_iter().find(|package| file.starts_with(package));
    if package.is_some_and(|package| !root.join(package).exists()) {
        // A package of the library comes without it.
        return true;
    }
    let source = fs::read_to_string(root.join(file)).unwrap_or_default();
    ["(", "<"].iter().any(|next| source.contains(&format!("fn {test}{next}")))
}
