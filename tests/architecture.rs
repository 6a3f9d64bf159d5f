//! The rules of the house: which module may import which, and how long a file may be.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as a test does")]

use std::fs;
use std::path::{Path, PathBuf};

/// The modules at the root of the crate, each with its rank. It imports only those of lower rank.
const RANKS: &[(&str, u8)] = &[
    ("connection_id", 0),
    ("endpoint", 0),
    ("proxy_header", 0),
    ("quota", 0),
    ("routing_id", 0),
    ("runtime", 0),
    ("stats", 0),
    ("sync", 0),
    ("message", 1),
    ("remote", 1),
    ("monitor", 2),
    ("error", 3),
    ("auth", 4),
    ("options", 5),
    ("pipe", 5),
    ("routing", 6),
    ("transport", 6),
    ("connection", 7),
    ("inproc", 7),
    ("remotes", 7),
    ("driver", 8),
    ("socket", 9),
    ("config", 10),
    ("metrics", 10),
    ("rpc", 10),
    // The root itself: it declares and exports, and nobody imports from it.
    ("lib", u8::MAX),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "misc", "prelude", "types", "util", "utils"];

/// A file of more lines than this has more than one subject.
const LINES_MAX: usize = 500;

#[test]
fn every_module_has_a_rank() {
    for file in files() {
        assert!(file.rank().is_some(), "{}: give `{}` a rank", file.path.display(), file.module);
    }
}

#[test]
fn a_module_imports_only_modules_of_lower_rank() {
    for file in files() {
        for (line, module) in file.imports() {
            if module == file.module {
                continue;
            }
            let at = format!("{}:{line}", file.path.display());
            let rank = rank_of(module);
            assert!(rank.is_some(), "{at}: `{module}` is no module, but something of the root");
            assert!(rank < file.rank(), "{at}: `{}` imports `{module}`", file.module);
        }
    }
}

#[test]
fn the_protocol_knows_nothing_of_ours_and_nothing_of_io() {
    for file in files_in("proto/src") {
        for (line, code) in file.code() {
            for foreign in ["tokio", "std::io", "std::net", "std::thread"] {
                assert!(!code.contains(foreign), "{}:{line}: {code}", file.path.display());
            }
        }
    }
}

#[test]
fn queues_and_their_choice_know_nothing_of_io() {
    let pure = ["endpoint", "routing_id", "message", "pipe", "routing"];
    for file in files().into_iter().filter(|file| pure.contains(&file.module.as_str())) {
        for (line, code) in file.code() {
            assert!(!code.contains("tokio::"), "{}:{line}: {code}", file.path.display());
        }
    }
}

#[test]
fn no_file_imports_from_the_root() {
    for file in files().into_iter().filter(|file| file.module != "lib") {
        for (line, code) in file.code() {
            let path = code.trim_start().strip_prefix("use ").unwrap_or_default();
            let supers = path.split("::").take_while(|segment| *segment == "super").count();
            // A module within the file is indented, and one step further from the root.
            let depth = file.depth() + (code.len() - code.trim_start().len()) / 4;
            assert!(supers == 0 || supers < depth, "{}:{line}: {code}", file.path.display());
        }
    }
}

#[test]
fn modules_are_named_after_what_they_are() {
    for file in files() {
        for name in file.path.with_extension("").iter() {
            let name = name.to_str().unwrap();
            assert!(!EMPTY_NAMES.contains(&name), "{}", file.path.display());
        }
    }
}

#[test]
fn no_file_exceeds_the_line_limit() {
    for file in files() {
        let lines = file.text.lines().count();
        assert!(lines <= LINES_MAX, "{}: {lines} lines", file.path.display());
    }
}

/// One file below `src`.
struct SourceFile {
    /// Relative to `src`.
    path: PathBuf,
    /// The module at the root of the crate that it belongs to.
    module: String,
    text: String,
}

impl SourceFile {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root).unwrap().to_owned();
        let module = path.iter().next().unwrap().to_str().unwrap();
        let module = module.strip_suffix(".rs").unwrap_or(module).to_owned();
        Self { path, module, text }
    }

    fn rank(&self) -> Option<u8> {
        rank_of(&self.module)
    }

    /// How many steps the module is away from the root of the crate.
    fn depth(&self) -> usize {
        self.path.iter().filter(|name| *name != "mod.rs").count()
    }

    /// The lines, numbered, that are not comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// What follows `crate::`, in an import or in any other path, and where.
    fn imports(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().flat_map(|(line, code)| {
            code.split("crate::").skip(1).map(move |path| {
                let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
                (line, &path[..end.unwrap_or(path.len())])
            })
        })
    }
}

fn rank_of(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

fn files() -> Vec<SourceFile> {
    let files = files_in("src");
    assert!(files.len() > RANKS.len(), "the sources are not where they should be");
    files
}

/// Reads the files below a directory of the repository; nothing if a package comes without it.
fn files_in(directory: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    if !root.exists() {
        return Vec::new();
    }
    let mut files = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(SourceFile::read(&root, &path));
            }
        }
    }
    files
}
