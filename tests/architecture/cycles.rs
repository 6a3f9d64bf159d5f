//! No two files or directories of a module import each other, directly or through others.
//!
//! A file may import the items that its parent defines. An item that the parent only exports counts
//! as imported from the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

use crate::paths::imports;
use crate::sources::{SourceFile, files_in};

#[test]
fn the_files_of_a_module_do_not_import_each_other_in_a_cycle() {
    for directory in SOURCES {
        let found = cycles(&files_in(directory));
        assert!(found.is_empty(), "{directory} has import cycles: {found:#?}");
    }
}

#[test]
fn a_cycle_through_a_third_file_and_an_export_is_found() {
    let file = |path: &str, text: &str| SourceFile {
        path: path.into(),
        module: "m".to_owned(),
        text: text.to_owned(),
    };
    let mut files = vec![
        file("m/mod.rs", "pub use self::one::One;\n"),
        file("m/one.rs", "use super::two::Two;\n"),
        file("m/two.rs", "fn three() -> crate::m::three::Three {}\n"),
        file("m/three.rs", "//! Nothing imports `super::one`.\n"),
    ];
    assert_eq!(cycles(&files), BTreeSet::new());
    files.push(file("m/three/four.rs", "use crate::m::{One};\n"));
    let imports = ["one imports two", "three imports one", "two imports three"];
    assert_eq!(cycles(&files), imports.map(|import| format!("m: {import}")).into());
}

/// Returns the imports that lead back to the file that imports.
fn cycles(files: &[SourceFile]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (parent, edges) in edges(files) {
        let circular = edges.iter().filter(|(from, to)| reaches(&edges, to, from));
        found.extend(circular.map(|(from, to)| format!("{parent}: {from} imports {to}")));
    }
    found
}

/// The imports among the children of each module.
type Edges = BTreeMap<String, BTreeSet<(String, String)>>;

fn edges(files: &[SourceFile]) -> Edges {
    let modules: BTreeSet<Vec<String>> = files.iter().flat_map(ancestors).collect();
    let exports: BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>> = files
        .iter()
        .map(|file| {
            let exported = imports(file).into_iter().filter(|import| import.is_exported);
            (file.module_path(), exported.map(|import| (import.name, import.path)).collect())
        })
        .collect();
    let mut edges = Edges::new();
    for file in files.iter().filter(|file| !file.is_test()) {
        let module = file.module_path();
        for import in imports(file) {
            let Some((at, to)) = sibling(&module, &import.path, &modules, &exports) else {
                continue;
            };
            let edge = (module[at].clone(), to);
            edges.entry(module[..at].join("::")).or_default().insert(edge);
        }
    }
    edges
}

fn ancestors(file: &SourceFile) -> Vec<Vec<String>> {
    let path = file.module_path();
    (0..=path.len()).map(|len| path[..len].to_vec()).collect()
}

/// Returns the depth at which the paths diverge, and the child of the common ancestor that is
/// imported.
fn sibling(
    module: &[String],
    path: &[String],
    modules: &BTreeSet<Vec<String>>,
    exports: &BTreeMap<Vec<String>, BTreeMap<String, Vec<String>>>,
) -> Option<(usize, String)> {
    let at = module.iter().zip(path).take_while(|(one, other)| one == other).count();
    if at == module.len() {
        return None;
    }
    let name = path.get(at)?;
    if modules.contains(&path[..=at]) {
        return Some((at, name.clone()));
    }
    // An export of the ancestor is defined by one of its children, or in its own file.
    let exported = exports.get(&module[..at])?.get(name)?;
    let child = exported.get(at)?;
    let is_child = exported.starts_with(&module[..at]) && modules.contains(&exported[..=at]);
    (is_child && *child != module[at]).then(|| (at, child.clone()))
}

fn reaches(edges: &BTreeSet<(String, String)>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        for (_, next) in edges.iter().filter(|(from, _)| from == at) {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

/// The sources of the members of the workspace and of the comparison. A published package lacks
/// some of them.
const SOURCES: [&str; 9] = [
    "src",
    "proto/src",
    "interop/src",
    "benches/micro/src",
    "benches/versus/src",
    "discovery/src",
    "examples/programs/src",
    "examples/services/src",
    "tests/support/src",
];
