//! Every public method has an example.

use std::collections::BTreeSet;

use crate::sources::{SourceFile, files, files_in};

/// An example in the docs of an `impl` block counts for the methods that it calls. Methods of a
/// trait are exempt: a bound refers to the methods of the types, and an implementation has its
/// example at the trait.
#[test]
fn every_public_method_has_an_example() {
    let (library, protocol) = (files(), files_in("proto/src"));
    let of_library = library.iter().flat_map(SourceFile::code);
    let of_library: BTreeSet<_> = of_library.filter_map(|(_, code)| public_type(code)).collect();
    assert!(of_library.contains("ProxyHandle"), "type declarations have another form");
    let exported = library.iter().flat_map(|file| exported_types(&file.text)).collect();
    let mut methods = 0;
    let mut missing = Vec::new();
    for (files, public) in [(&library, &of_library), (&protocol, &exported)] {
        for file in files.iter().filter(|file| !file.is_test()) {
            for block in impl_blocks(file, public) {
                for (number, name) in block.public_methods() {
                    methods += 1;
                    let is_shown = has_example(&docs_before(block.lines, number))
                        || calls(&docs_before(block.lines, block.start), name);
                    if !is_shown {
                        let path = file.path.display();
                        missing.push(format!("{path}:{}: {}::{name}", number + 1, block.name));
                    }
                }
            }
        }
    }
    assert!(methods > 200, "methods have another form");
    assert!(missing.is_empty(), "methods without an example: {missing:#?}");
}

/// An inherent `impl` block.
pub(crate) struct ImplBlock<'a> {
    /// The lines of the file.
    pub(crate) lines: &'a [&'a str],
    /// The first and the last line of the block.
    start: usize,
    end: usize,
    /// The name of the type.
    pub(crate) name: &'a str,
}

impl<'a> ImplBlock<'a> {
    pub(crate) fn public_methods(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let depth = indent(self.lines[self.start]) + 4;
        let block = &self.lines[..self.end];
        (0..).zip(block).skip(self.start).filter_map(move |(number, line)| {
            let item = line.trim_start().strip_prefix("pub ").filter(|_| indent(line) == depth)?;
            let (_, function) =
                item.split_once("fn ").filter(|(before, _)| is_qualifier(before))?;
            Some((number, identifier(function)))
        })
    }
}

/// Returns the inherent `impl` blocks of public types and of the types that a macro receives.
pub(crate) fn impl_blocks<'a>(file: &'a SourceFile, public: &BTreeSet<&str>) -> Vec<ImplBlock<'a>> {
    let lines: &'a [&'a str] = Vec::leak(file.text.lines().collect());
    let starts = (0..).zip(lines).filter_map(|(start, line)| {
        let header = line.trim_start().strip_prefix("impl")?;
        let header = if header.starts_with('<') { after_brackets(header) } else { header };
        let name = header.strip_prefix(' ')?;
        if name.contains(" for ") {
            return None;
        }
        let path = &name[..name.find([' ', '<', '{']).unwrap_or(name.len())];
        let name = path.rsplit("::").next().unwrap_or(path);
        (name.starts_with('$') || public.contains(name)).then_some((start, name))
    });
    let blocks = starts.map(|(start, name)| {
        let is_end = |line: &&str| line.trim() == "}" && indent(line) == indent(lines[start]);
        let end = start + lines[start..].iter().position(is_end).unwrap();
        ImplBlock { lines, start, end, name }
    });
    blocks.collect()
}

pub(crate) fn public_type(line: &str) -> Option<&str> {
    let item = line.trim_start().strip_prefix("pub ")?;
    let name = item.strip_prefix("struct ").or_else(|| item.strip_prefix("enum "))?;
    Some(identifier(name))
}

/// Returns the types of `zmtp-proto` that a file exports.
pub(crate) fn exported_types(text: &str) -> impl Iterator<Item = &str> {
    let exports = text.split("pub use zmtp_proto::").skip(1);
    let names = exports.flat_map(|export| {
        export.split(';').next().unwrap_or_default().split(|c: char| !c.is_alphanumeric())
    });
    names.filter(|name| name.starts_with(char::is_uppercase))
}

/// Returns the attributes and docs that precede an item.
fn docs_before(lines: &[&str], item: usize) -> String {
    let before = lines[..item].iter().rev();
    let docs: Vec<_> = before.take_while(|line| is_attached(line)).copied().collect();
    docs.into_iter().rev().map(|line| format!("{line}\n")).collect()
}

/// Returns whether a line belongs to the item that follows it.
fn is_attached(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && (line.starts_with(['/', '#', '"', '$']) || line.ends_with([',', ']', ')']))
}

fn has_example(docs: &str) -> bool {
    docs.contains("/// ```")
}

fn calls(docs: &str, method: &str) -> bool {
    let is_called = |by: &str| docs.contains(&format!("{by}{method}("));
    has_example(docs) && (is_called(".") || is_called("::"))
}

fn is_qualifier(before: &str) -> bool {
    before.split_whitespace().all(|word| ["async", "const"].contains(&word))
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// Returns the text after the type parameters.
fn after_brackets(text: &str) -> &str {
    let mut depth = 0;
    let end = text.find(|c| {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &text[end.map_or(text.len(), |end| end + 1)..]
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
