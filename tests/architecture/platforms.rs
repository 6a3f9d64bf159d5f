//! Code for one system is where ARCHITECTURE.md lists it under *Platforms*.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::sources::files;

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

#[test]
fn code_for_one_system_is_in_the_listed_places() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let (_, section) = page.split_once("\n## Platforms\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let mut used = BTreeSet::new();
    for file in files().iter().filter(|file| !file.is_test()) {
        let code = file.code_without_tests();
        let is_conditional = code.lines().any(|line| {
            let condition = line.split_once("cfg").map_or("", |(_, condition)| condition);
            condition.starts_with(['(', '!', '_'])
                && CONDITIONS.iter().any(|name| condition.contains(name))
        });
        if is_conditional {
            let path = file.path.to_str().unwrap();
            let places = listed.iter().filter(|place| path.starts_with(**place));
            let place = places.max_by_key(|place| place.len());
            used.insert(*place.unwrap_or_else(|| panic!("src/{path} is not listed")));
        }
    }
    assert_eq!(used, listed, "a place without code for one system is listed");
}
