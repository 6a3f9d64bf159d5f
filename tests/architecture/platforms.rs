//! Code for one system is in the module `platform`. The few public items that do not exist on every
//! system are where ARCHITECTURE.md lists them under *Platforms*.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::sources::{SourceFile, files};

/// The names that conditions on the system contain.
const CONDITIONS: &[&str] = &[
    "unix",
    "windows",
    "target_",
    "linux_kernel",
    "reuse_port",
    "tcp_keepalive_details",
    "type_of_service",
];

/// The paths of items that not every system has.
const FOREIGN: &[&str] = &["std::os::", "rustix::", "nix::"];

/// The only module whose code depends on the system.
const MODULE: &str = "platform/";

#[test]
fn code_for_one_system_is_in_the_listed_places() {
    let listed = listed();
    let mut used = BTreeSet::new();
    for file in files().iter().filter(|file| !file.is_test()) {
        if file.code_without_tests().lines().any(is_conditional) {
            let path = file.path.to_str().unwrap();
            let place = listed.iter().find(|place| path.starts_with(place.as_str()));
            used.insert(place.unwrap_or_else(|| panic!("src/{path} is not listed")).clone());
        }
    }
    assert!(used.contains(MODULE), "conditions have another form");
    assert_eq!(used, listed, "a place without code for one system is listed");
}

#[test]
fn conditions_elsewhere_concern_whole_public_options() {
    let mut options = 0;
    for file in outside() {
        let code = file.code_without_tests();
        let mut lines = code.lines().map(str::trim_start);
        while let Some(line) = lines.next() {
            if !is_conditional(line) {
                continue;
            }
            let item = lines.find(|line| !line.starts_with("#[")).unwrap_or_default();
            let is_option = item.starts_with("pub fn ") || item.contains(" => ");
            let is_module = item.contains("mod ") && item.ends_with(';');
            let at = file.path.display();
            assert!(line.starts_with("#[cfg("), "{at}: {line}");
            assert!(is_option || is_module, "{at}: {line} {item}");
            options += 1;
        }
    }
    assert!(options > 10, "conditions have another form");
}

#[test]
fn other_modules_use_nothing_that_one_system_has() {
    for file in outside() {
        for line in file.code_without_tests().lines() {
            let is_foreign = FOREIGN.iter().any(|path| line.contains(path));
            assert!(!is_foreign, "{}: {line}", file.path.display());
        }
    }
}

/// The table at the top of the module states the fallback of each item.
#[test]
fn the_table_of_the_module_names_its_files() {
    let files = files();
    let is_root = |file: &&SourceFile| file.path == Path::new("platform/mod.rs");
    let root = &files.iter().find(is_root).unwrap().text;
    let rows = root.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let named: BTreeSet<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let modules = root.lines().filter_map(|line| line.strip_suffix(';')?.split_once("mod "));
    let modules: BTreeSet<_> = modules.map(|(_, name)| name).collect();
    assert_eq!(named, modules, "files in the table, and modules");
}

/// Returns the places that ARCHITECTURE.md lists.
fn listed() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, section) = page.split_once("\n## Platforms\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

/// Returns the files of the other modules, without tests.
fn outside() -> impl Iterator<Item = SourceFile> {
    files().into_iter().filter(|file| !file.is_test() && !file.path.starts_with(MODULE))
}

fn is_conditional(line: &str) -> bool {
    let condition = line.split_once("cfg").map_or("", |(_, condition)| condition);
    condition.starts_with(['(', '!', '_']) && CONDITIONS.iter().any(|name| condition.contains(name))
}
