//! The paths that a file imports or mentions.

use crate::sources::SourceFile;

/// An import of an item of the same crate.
pub(crate) struct Import {
    /// The path from the root of the crate.
    pub path: Vec<String>,
    /// Whether other files can import the item from this file.
    pub is_exported: bool,
    /// The name of the item in this file.
    pub name: String,
}

/// Returns the items of the same crate that a file imports or mentions by their paths.
pub(crate) fn imports(file: &SourceFile) -> Vec<Import> {
    let module = file.module_path();
    let code = file.code_without_tests();
    let mut imports = Vec::new();
    let mut rest = String::new();
    // Imports are extracted first. The remaining code contains the other paths.
    let mut statements = code.split_inclusive('\n').peekable();
    while let Some(line) = statements.next() {
        let Some((visibility, tree)) = use_of(line) else {
            rest.push_str(line);
            continue;
        };
        let is_exported = !visibility.is_empty();
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            let Some(line) = statements.next() else { break };
            tree.push_str(line);
        }
        let tree: String = tree.split(';').next().unwrap_or_default().to_owned();
        for (path, name) in leaves(&tree) {
            if let Some(path) = resolve(&path, &module) {
                imports.push(Import { path, is_exported, name });
            }
        }
    }
    for path in mentions(&rest) {
        if let Some(path) = resolve(&path, &module) {
            let name = path.last().cloned().unwrap_or_default();
            imports.push(Import { path, is_exported: false, name });
        }
    }
    imports
}

/// Splits a line that begins with an import into its visibility and the imported tree.
fn use_of(line: &str) -> Option<(&str, &str)> {
    let (visibility, tree) = line.trim_start().split_once("use ")?;
    let is_visibility = visibility.is_empty() || visibility.starts_with("pub");
    (is_visibility && !visibility.contains('=')).then_some((visibility.trim(), tree))
}

/// Expands `a::{b, c::{d as e}}` into the paths of its leaves and their names.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let (path, name) = match tree.split_once(" as ") {
            Some((path, name)) => (path, Some(name.trim().to_owned())),
            None => (tree, None),
        };
        let path: Vec<String> = path.split("::").map(|name| name.trim().to_owned()).collect();
        let name = name.or_else(|| path.last().cloned()).unwrap_or_default();
        return if name.is_empty() { Vec::new() } else { vec![(path, name)] };
    };
    let prefix: Vec<String> = prefix
        .split("::")
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let group = &group[..group.rfind('}').unwrap_or(group.len())];
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    let inner = parts.iter().flat_map(|part| leaves(part));
    inner.map(|(path, name)| ([prefix.clone(), path].concat(), name)).collect()
}

/// Finds paths that begin with `crate`, `self` or `super` outside of imports.
fn mentions(code: &str) -> Vec<Vec<String>> {
    let words: Vec<&str> =
        code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).collect();
    let begins =
        |word: &str| ["crate::", "self::", "super::"].iter().any(|root| word.starts_with(root));
    let paths = words.into_iter().filter(|word| begins(word));
    paths.map(|path| path.split("::").map(str::to_owned).collect()).collect()
}

/// Converts a path to one from the root of the crate, or returns `None` if it leads to another
/// crate.
fn resolve(path: &[String], module: &[String]) -> Option<Vec<String>> {
    let rest = match path.first()?.as_str() {
        "crate" => return Some(path[1..].to_vec()),
        "self" => return Some([module, &path[1..]].concat()),
        "super" => path,
        _ => return None,
    };
    let supers = rest.iter().take_while(|name| *name == "super").count();
    let base = module.len().checked_sub(supers)?;
    Some([&module[..base], &rest[supers..]].concat())
}
