//! The tests that documentation names exist.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_is_named_in_docs_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["docs/conformance.md", "docs/parity.md", "docs/security.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let named: Vec<_> = named_tests(&text).collect();
        assert!(named.len() > 10, "{page} has another form of test names");
        let missing: Vec<_> =
            named.iter().filter(|(file, test)| !exists(root, file, test)).collect();
        assert!(missing.is_empty(), "{page} names tests that do not exist: {missing:#?}");
    }
}

/// Returns the file and the function of every code span of the form `path/to/file.rs: name`.
fn named_tests(text: &str) -> impl Iterator<Item = (String, &str)> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.filter_map(|span| {
        let (stem, test) = span.split_once(".rs: ")?;
        Some((format!("{stem}.rs"), test))
    })
}

fn exists(root: &Path, file: &str, test: &str) -> bool {
    let package =
        ["browser", "interop", "proto"].into_iter().find(|package| file.starts_with(package));
    if package.is_some_and(|package| !root.join(package).exists()) {
        // The published package of the library lacks this package.
        return true;
    }
    let source = fs::read_to_string(root.join(file)).unwrap_or_default();
    ["(", "<"].iter().any(|next| source.contains(&format!("fn {test}{next}")))
}
