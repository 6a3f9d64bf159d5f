//! One name, one type.

use std::collections::BTreeMap;

use crate::paths::imports;
use crate::sources::{SourceFile, files_in};

/// Names that several modules use. `Request` is a request to an authenticator, to a service, or to
/// the listener of a shared port; `Publisher` publishes statistics in `metrics` and events in
/// `monitor`; `Listener` is that of `inproc` and that of the other transports.
const SHARED: &[&str] = &["Listener", "Publisher", "Request"];

#[test]
fn no_two_modules_export_types_of_the_same_name() {
    for directory in ["src", "proto/src", "interop/src"] {
        let files = files_in(directory);
        let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in files.iter().filter(|file| file.module_path().len() == 1) {
            for name in types(file) {
                shown.entry(name).or_default().push(file.module.clone());
            }
        }
        let is_shared = |name: &&str| shown.get(*name).is_some_and(|modules| modules.len() > 1);
        let is_known = directory != "src" || SHARED.iter().all(is_shared);
        assert!(is_known, "a name in the list is no longer shared: {SHARED:?}");
        shown.retain(|name, modules| modules.len() > 1 && !SHARED.contains(&name.as_str()));
        assert!(shown.is_empty(), "{directory}: modules export types of the same name: {shown:#?}");
    }
}

/// The types that the root file of a module defines or exports from its own files.
fn types(file: &SourceFile) -> Vec<String> {
    let module = file.module_path();
    let exported = imports(file).into_iter().filter(|import| {
        import.is_exported
            && import.path.starts_with(&module)
            && import.name.starts_with(char::is_uppercase)
    });
    let code = file.code_without_tests();
    let defined = code.lines().filter_map(defined_type).map(str::to_owned);
    exported.map(|import| import.name).chain(defined).collect()
}

fn defined_type(line: &str) -> Option<&str> {
    let item = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) "))?;
    let kinds = ["enum ", "struct ", "trait ", "type ", "union "];
    let name = kinds.iter().find_map(|kind| item.strip_prefix(kind))?;
    name.split(|c: char| !c.is_alphanumeric()).next()
}
