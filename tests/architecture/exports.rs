//! Users of this crate can name every type that they receive.

use std::collections::BTreeSet;

use crate::examples::{exported_types, impl_blocks, public_type};
use crate::sources::{SourceFile, files, files_in};

/// The methods of the types that this crate exports from `zmtp-proto` count as well.
#[test]
fn the_types_in_signatures_of_exported_types_are_exported() {
    let (library, protocol) = (files(), files_in("proto/src"));
    let exported: BTreeSet<_> =
        library.iter().flat_map(|file| exported_types(&file.text)).collect();
    let types = protocol.iter().flat_map(SourceFile::code);
    let types: BTreeSet<_> = types.filter_map(|(_, code)| public_type(code)).collect();
    let hidden: BTreeSet<_> = types.difference(&exported).copied().collect();
    assert!(hidden.contains("TrafficDecoder"), "type declarations have another form");
    let mut signatures = 0;
    let mut unnameable = Vec::new();
    for file in protocol.iter().filter(|file| !file.is_test()) {
        for block in impl_blocks(file, &exported) {
            for (number, name) in block.public_methods() {
                signatures += 1;
                let signature = signature(&block.lines[number..]);
                let words = signature.split(|c: char| !c.is_alphanumeric());
                for word in words.filter(|word| hidden.contains(word)) {
                    unnameable.push(format!("{}::{name}: {word}", block.name));
                }
            }
        }
    }
    assert!(signatures > 20, "methods have another form");
    assert!(unnameable.is_empty(), "types that users cannot name: {unnameable:#?}");
}

/// Returns the text of a function before its body.
fn signature(lines: &[&str]) -> String {
    let text = lines.join("\n");
    text.split(" {\n").next().unwrap_or_default().to_owned()
}
