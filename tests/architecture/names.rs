//! One name, one type.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::paths::imports;
use crate::sources::{SourceFile, files_in};

/// Names of the public API that several modules use: `Request` is a request to an authenticator,
/// and one to a service.
const SHARED: &[&str] = &["Request"];

/// The library and its protocol are read together: files of both import the types of the protocol.
#[test]
fn no_two_files_show_types_of_the_same_name() {
    let mut library = shown(&["src", "proto/src"].map(|root| (root, files_in(root))));
    let is_shared = |name: &&str| library.contains_key(*name);
    assert!(SHARED.iter().all(is_shared), "a name in the list is no longer shared: {SHARED:?}");
    library.retain(|name, _| !SHARED.contains(&name.as_str()));
    for shown in [library, shown(&[("interop/src", files_in("interop/src"))])] {
        assert!(shown.is_empty(), "files show types of the same name: {shown:#?}");
    }
}

#[test]
fn a_name_that_two_files_show_is_found() {
    let file = |path: &str, text: &str| SourceFile {
        path: path.into(),
        module: "m".to_owned(),
        text: text.to_owned(),
    };
    let files = vec![
        file("m/mod.rs", "pub(crate) use self::one::One;\npub use self::two::Two as Pair;\n"),
        file("m/one.rs", "pub(crate) struct One;\nstruct Private;\n"),
        file("m/two.rs", "mod inner {\n    pub enum Two {}\n}\nstruct Private;\n"),
        file("m/tests.rs", "pub(super) struct One;\n"),
    ];
    let mut crates = vec![("src", files)];
    assert_eq!(shown(&crates), BTreeMap::new());
    // In another crate, even under the same path.
    crates.push(("proto/src", vec![file("m/one.rs", "pub struct One;\n")]));
    let other = file("m/three.rs", "pub(super) trait Pair {}\npub(in crate::m) type Two = ();\n");
    crates[0].1.push(other);
    let found = shown(&crates).into_keys().collect::<Vec<_>>();
    assert_eq!(found, ["One", "Pair", "Two"]);
}

/// Returns the names of types that more than one file shows to others, with these files. Each crate
/// is given by its root and its files.
fn shown(crates: &[(&str, Vec<SourceFile>)]) -> BTreeMap<String, BTreeSet<PathBuf>> {
    let mut shown: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (root, files) in crates {
        for file in files.iter().filter(|file| !file.is_test()) {
            for name in types(file) {
                shown.entry(name).or_default().insert(Path::new(root).join(&file.path));
            }
        }
    }
    shown.retain(|_, files| files.len() > 1);
    shown
}

/// Returns the types that a file defines, or exports under another name, for other files.
fn types(file: &SourceFile) -> Vec<String> {
    let renamed = imports(file).into_iter().filter(|import| {
        import.is_exported
            && import.path.last() != Some(&import.name)
            && import.name.starts_with(char::is_uppercase)
    });
    let code = file.code_without_tests();
    let defined = code.lines().filter_map(defined_type).map(str::to_owned);
    renamed.map(|import| import.name).chain(defined).collect()
}

fn defined_type(line: &str) -> Option<&str> {
    let item = line.trim_start().strip_prefix("pub")?;
    let item = match item.strip_prefix('(') {
        Some(limited) => limited.split_once(')')?.1,
        None => item,
    };
    let item = item.strip_prefix(' ')?;
    let kinds = ["enum ", "struct ", "trait ", "type ", "union "];
    let name = kinds.iter().find_map(|kind| item.strip_prefix(kind))?;
    name.split(|c: char| !c.is_alphanumeric()).next()
}
