//! The book is complete: its chapters, links and pictures exist, here and in the documentation of
//! the library.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use guide::picture;

#[test]
fn the_summary_lists_every_chapter_once() {
    let listed: Vec<_> = listed().collect();
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "a chapter is listed twice: {listed:?}");
    assert_eq!(unique, chapters().into_keys().collect());
}

#[test]
fn chapters_are_tested_and_part_of_the_documentation() {
    let is_included = |name: &String| name != "introduction" && !name.contains('/');
    let listed: Vec<_> = listed().filter(is_included).collect();
    for file in ["docs/guide/listings/lib.rs", "src/guide.rs"] {
        let text = read(&root().join(file));
        let (_, names) = text.split_once("\nchapters! {\n").unwrap();
        let (names, _) = names.split_once('}').unwrap();
        assert_eq!(names.split_whitespace().collect::<Vec<_>>(), listed, "{file}");
    }
}

#[test]
fn every_listing_runs() {
    for (name, text) in own_chapters() {
        let fences = text.lines().filter_map(|line| line.strip_prefix("```")).step_by(2);
        for fence in fences {
            assert!(FENCES.contains(&fence), "{name}: a listing that does not run: {fence}");
        }
        let is_whole = text.lines().filter(|line| line.starts_with("```")).count() % 2 == 0;
        assert!(is_whole, "{name}: a listing has no end");
    }
}

#[test]
fn links_and_pictures_exist() {
    for (name, text) in chapters() {
        let definitions = definitions(&text);
        let used = prose(&text);
        for target in definitions.values().copied().chain(inline_targets(&used)) {
            if target.starts_with("https://") {
                continue;
            }
            let (path, section) = target.split_once('#').unwrap_or((target, ""));
            let page = book().join("src").join(format!("{name}.md"));
            let path = if path.is_empty() { page } else { page.with_file_name(path) };
            assert!(path.exists(), "{name}: {target} does not exist");
            let exists = section.is_empty() || sections(&read(&path)).any(|it| it == section);
            assert!(exists, "{name}: {target} does not exist");
        }
        for label in definitions.keys() {
            assert!(used.contains(&format!("[{label}]")), "{name}: [{label}] is not used");
        }
    }
}

/// The page of a chapter in the documentation of the library has other targets, which precede those
/// of the chapter.
#[test]
fn links_have_a_target_in_the_documentation_of_the_library() {
    let text = read(&book().join("rustdoc.md")) + &read(&book().join(picture::DEFINITIONS));
    let targets = definitions(&text);
    for (name, text) in own_chapters().filter(|(name, _)| name != "introduction") {
        for (label, target) in definitions(&text) {
            let there = targets.get(label);
            let is_elsewhere =
                target.starts_with("https://") && !target.contains("docs.rs/tokio-zmtp");
            assert!(is_elsewhere || there.is_some(), "{name}: rustdoc.md lacks [{label}]");
            let chapter = target.strip_suffix(".md").map(|name| format!("crate::guide::{name}"));
            assert!(chapter.is_none() || there == chapter.as_deref().as_ref(), "{name}: {label}");
        }
        let inline = prose(&text);
        let relative: Vec<_> = inline_targets(&inline)
            .filter(|it| !it.starts_with("https://") && !it.starts_with('#'))
            .collect();
        assert!(relative.is_empty(), "{name}: use definitions for {relative:?}");
    }
}

/// A cell states whether the tests with these remotes use the socket.
#[test]
fn the_table_of_sockets_agrees_with_the_tests() {
    let tests = |path: &str| texts(&root().join(path));
    let libzmq = tests("interop/tests");
    let python = tests("tests/sockets/python.rs");
    let node = tests("tests/sockets/node.rs");
    let page = read(&book().join("src/sockets.md"));
    let (_, table) = page.split_once("| Our socket |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let mut rows = 0;
    for row in table.lines().skip(2) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [socket, cells @ ..] = &cells[..] else { unreachable!("`split` yields a cell") };
        let socket = socket.trim_matches('`');
        let name = socket.to_lowercase();
        let is_named = |text: &str| {
            let words: Vec<_> = text.split(|c: char| !c.is_alphanumeric()).collect();
            words.windows(2).any(|pair| pair == ["our", &*name])
        };
        let is_used = libzmq.contains(&format!("{socket}::"));
        let expected = [is_used, is_named(&python), is_named(&node)];
        let expected = expected.map(|is_tested| if is_tested { "yes" } else { "–" });
        assert_eq!(cells, expected, "{socket}");
        rows += 1;
    }
    assert_eq!(rows, 19);
}

#[test]
fn the_table_of_remotes_has_the_versions_of_the_tests() {
    let page = read(&book().join("src/sockets.md"));
    let has = |remote: &str, version: &str| page.contains(&format!("| {remote} | {version} |"));
    let python = read(&root().join("tests/support/python/ipykernel.txt"));
    let pinned = |name: &str| {
        let versions = python.lines().filter_map(|line| line.split_once("=="));
        versions.clone().find(|(it, _)| *it == name).unwrap().1
    };
    assert!(has("pyzmq of PyPI", pinned("pyzmq")));
    assert!(has("ipykernel, a Jupyter kernel", pinned("ipykernel")));
    let python = read(&root().join("tests/support/src/python.rs"));
    assert!(python.contains(&format!("\"pyzmq=={}\"", pinned("pyzmq"))));
    let node = read(&root().join("tests/support/node/package.json"));
    let (_, version) = node.split_once("\"zeromq\": \"").unwrap();
    assert!(has("zeromq of npm", version.split_once('"').unwrap().0));
    assert!(has("libzmq with its draft sockets", "4.3.5"));
    assert!(read(&root().join("interop/Cargo.toml")).contains("libzmq 4.3.5"));
}

/// The first columns quote errors, with an ellipsis for each value.
#[test]
fn errors_in_the_troubleshooting_are_those_of_the_library() {
    let sources = texts(&root().join("src"));
    let page = read(&book().join("src/troubleshooting.md"));
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let spans = rows.flat_map(|(symptom, _)| symptom.split('`').skip(1).step_by(2));
    let errors: Vec<_> = spans.filter(|span| span.contains(' ')).collect();
    assert!(errors.len() > 15, "the tables have another form");
    for error in errors.into_iter().filter(|error| *error != "Connection refused") {
        let pieces = error.split('…').map(str::trim).filter(|piece| piece.len() > 3);
        for piece in pieces {
            assert!(sources.contains(piece), "no error contains \"{piece}\"");
        }
    }
}

#[test]
fn pictures_are_those_of_their_texts() {
    let drawn = picture::draw_all(&book()).unwrap();
    assert!(!drawn.is_empty());
    for (name, svg) in &drawn {
        let path = book().join(picture::DIRECTORY).join(format!("{name}.svg"));
        assert!(read(&path) == *svg, "run `cargo run -p guide`");
        let used = format!("[{name}-picture]");
        assert!(chapters().values().any(|text| text.contains(&used)), "{name} is not used");
    }
    let definitions = picture::definitions(&drawn);
    assert!(read(&book().join(picture::DEFINITIONS)) == definitions, "run `cargo run -p guide`");
}

/// Returns the chapters that the summary lists, in order.
fn listed() -> impl Iterator<Item = String> {
    let summary = read(&book().join("src/SUMMARY.md"));
    let links: Vec<_> = summary.split("](").skip(1).map(|link| link.to_owned()).collect();
    links.into_iter().map(|link| link.split_once(".md)").unwrap().0.to_owned())
}

/// Returns the texts of all chapters, by name. The name of a chapter in a folder contains that of the
/// folder.
fn chapters() -> BTreeMap<String, String> {
    let source = book().join("src");
    let mut chapters = BTreeMap::new();
    let mut directories = vec![source.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(&source).unwrap().with_extension("");
                chapters.insert(name.to_str().unwrap().replace('\\', "/"), read(&path));
            }
        }
    }
    chapters.remove("SUMMARY");
    chapters
}

/// Returns the chapters whose listings are tests of this package: those of folders have tests of
/// their own.
fn own_chapters() -> impl Iterator<Item = (String, String)> {
    chapters().into_iter().filter(|(name, _)| !name.contains('/'))
}

/// Returns the link definitions of a page.
fn definitions(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    lines.collect()
}

/// Returns a page without listings and definitions.
fn prose(text: &str) -> String {
    let outside = text.split("```").step_by(2).flat_map(str::lines);
    let lines = outside.filter(|line| !(line.starts_with('[') && line.contains("]: ")));
    lines.map(|line| format!("{line}\n")).collect()
}

fn inline_targets(prose: &str) -> impl Iterator<Item = &str> {
    prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// Returns the names by which links refer to the sections of a page.
fn sections(text: &str) -> impl Iterator<Item = String> {
    let titles =
        text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_matches(['#', ' ']));
    titles.map(|title| {
        let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    })
}

/// Returns the text of a file, or of all files below a directory.
fn texts(path: &Path) -> String {
    if path.is_file() {
        return read(path);
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| texts(&path)).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn book() -> PathBuf {
    root().join("docs/guide")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The kinds of code blocks. Those of Rust run.
const FENCES: &[&str] = &["rust", "html", "js", "python", "sh", "text", "toml", "yaml"];
