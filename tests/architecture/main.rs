//! The rules of the architecture: the imports and names of modules, and the length of files.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod constants;
mod cycles;
mod examples;
mod exports;
mod names;
mod pages;
mod paths;
mod platforms;
mod sources;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::sources::{SourceFile, files, files_in};

/// The modules at the root of the crate, each with its rank. A module imports only modules of lower
/// rank.
const RANKS: &[(&str, u8)] = &[
    ("connection_id", 0),
    ("guide", 0),
    ("platform", 0),
    ("quota", 0),
    ("routing_id", 0),
    ("stats", 0),
    ("sync", 0),
    ("remote", 1),
    ("runtime", 1),
    ("message", 2),
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
    ("benchmarks", 10),
    ("config", 10),
    ("probe", 10),
    ("proxy", 10),
    ("rpc", 10),
    ("metrics", 11),
    ("snapshot", 11),
    // The root declares and exports. No file imports from it.
    ("lib", u8::MAX),
];

/// Names that do not describe the contents of a module.
const EMPTY_NAMES: &[&str] =
    &["common", "helper", "helpers", "misc", "prelude", "types", "util", "utils"];

/// The names of IO, which the protocol does not use. It does use the addresses of `std::net`, which
/// are plain values.
const FOREIGN: &[&str] =
    &["tokio", "std::io", "std::thread", "TcpListener", "TcpStream", "ToSocketAddrs", "UdpSocket"];

/// The maximum number of lines of a file. A longer file has more than one subject.
const LINES_MAX: usize = 500;

/// The directories of Rust sources. The published package lacks some of them.
const DIRECTORIES: &[&str] =
    &["src", "proto", "tests", "interop", "benches", "discovery", "examples", "fuzz"];

#[test]
fn every_module_has_a_rank() {
    for file in files() {
        assert!(
            rank_of(&file.module).is_some(),
            "{}: `{}` has no rank",
            file.path.display(),
            file.module
        );
    }
}

/// Users of this crate do not depend on the crate that defines an exported item.
#[test]
fn examples_of_exported_items_import_from_this_crate() {
    let root = files();
    let exports = root.iter().flat_map(SourceFile::code);
    let exports = exports.filter_map(|(_, line)| line.trim().strip_prefix("pub use zmtp_proto::"));
    let modules: Vec<_> = exports.filter_map(|path| path.split("::").next()).collect();
    assert!(modules.contains(&"mechanism"), "the exports have another form");
    for file in files_in("proto/src") {
        if !modules.contains(&&*file.module) {
            continue;
        }
        for (number, line) in (1..).zip(file.text.lines()) {
            let shown = line
                .trim_start()
                .strip_prefix("/// ")
                .is_some_and(|doc| !doc.starts_with("# ") && doc.contains("zmtp_proto::"));
            assert!(!shown, "proto/src/{}:{number}: {line}", file.path.display());
        }
    }
}

#[test]
fn a_module_imports_only_modules_of_lower_rank() {
    for file in files() {
        for (line, module) in imports(&file) {
            if module == file.module {
                continue;
            }
            let at = format!("{}:{line}", file.path.display());
            let rank = rank_of(module);
            assert!(rank.is_some(), "{at}: `{module}` is not a module, but an item of the root");
            assert!(rank < rank_of(&file.module), "{at}: `{}` imports `{module}`", file.module);
        }
    }
}

/// Each row of the table in ARCHITECTURE.md ends with the modules that the module imports.
#[test]
fn the_table_of_modules_lists_their_imports() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let Ok(page) = fs::read_to_string(page) else {
        return; // The published package lacks this page.
    };
    let mut actual: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files().into_iter().filter(|file| !file.is_test() && file.module != "lib") {
        let code = file.code_without_tests();
        let imported = code.lines().flat_map(imported_modules).map(str::to_owned);
        let imports = actual.entry(file.module.clone()).or_default();
        imports.extend(imported.filter(|module| *module != file.module));
    }
    for (module, imports) in actual {
        let row = page.lines().find(|line| line.contains(&format!(" | `{module}` | "))).unwrap();
        let listed = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        if listed.starts_with("everything else") {
            continue;
        }
        let listed: BTreeSet<_> = listed.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(imports, listed, "imports of `{module}`, actual and listed");
    }
}

#[test]
fn the_protocol_depends_neither_on_tokio_nor_on_io() {
    for file in files_in("proto/src") {
        for (line, code) in file.code() {
            for foreign in FOREIGN {
                assert!(!code.contains(foreign), "{}:{line}: {code}", file.path.display());
            }
        }
    }
}

#[test]
fn queues_and_routing_do_not_depend_on_tokio() {
    let pure = ["routing_id", "message", "pipe", "routing"];
    for file in files().into_iter().filter(|file| pure.contains(&file.module.as_str())) {
        for (line, code) in file.code() {
            assert!(!code.contains("tokio::"), "{}:{line}: {code}", file.path.display());
        }
    }
}

#[test]
fn every_mutex_is_the_lock_without_poisoning() {
    for file in files().into_iter().filter(|file| file.module != "sync") {
        for (line, code) in file.code() {
            let words = code.split(|c: char| !c.is_alphanumeric());
            let is_used = words.into_iter().any(|word| word == "Mutex");
            assert!(!is_used, "{}:{line}: {code}", file.path.display());
        }
    }
}

#[test]
fn lint_exceptions_are_expectations() {
    for directory in DIRECTORIES {
        for file in files_in(directory) {
            for (line, code) in file.code() {
                let code = code.trim_start();
                let is_attribute = code.starts_with('#') || code.starts_with("allow(");
                let is_exception = is_attribute && code.contains("allow(");
                assert!(!is_exception, "{directory}/{}:{line}: {code}", file.path.display());
            }
        }
    }
}

/// A file belongs to one module of one crate, and other crates depend on that crate.
#[test]
fn no_file_is_included_by_path() {
    for directory in DIRECTORIES {
        for file in files_in(directory) {
            for (line, code) in file.code() {
                let code = code.trim_start();
                let is_included = code.starts_with("#[path")
                    || code.starts_with("#[") && code.contains(" path = ");
                assert!(!is_included, "{directory}/{}:{line}: {code}", file.path.display());
            }
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
fn modules_are_named_after_their_contents() {
    for file in files() {
        for name in file.path.with_extension("").iter() {
            let name = name.to_str().unwrap();
            assert!(!EMPTY_NAMES.contains(&name), "{}", file.path.display());
        }
    }
}

#[test]
fn no_file_exceeds_the_line_limit() {
    let mut read = 0;
    for directory in DIRECTORIES {
        for file in files_in(directory) {
            read += 1;
            let lines = file.text.lines().count();
            let path = file.path.display();
            assert!(lines <= LINES_MAX, "{directory}/{path}: {lines} lines");
        }
    }
    assert!(read > files().len(), "only `src` was read");
}

/// Returns the text after each `crate::`, in imports and in other paths, with its line number.
fn imports(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    file.code().flat_map(|(line, code)| imported_modules(code).map(move |module| (line, module)))
}

fn imported_modules(code: &str) -> impl Iterator<Item = &str> {
    code.split("crate::").skip(1).map(|path| {
        let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
        &path[..end.unwrap_or(path.len())]
    })
}

fn rank_of(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}
