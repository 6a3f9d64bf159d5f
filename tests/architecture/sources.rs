//! The source files and their contents.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file of a crate.
pub(crate) struct SourceFile {
    /// The path, relative to the directory of the sources.
    pub path: PathBuf,
    /// The module at the root of the crate that it belongs to.
    pub module: String,
    pub text: String,
}

impl SourceFile {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(root).unwrap().to_owned();
        let module = path.iter().next().unwrap().to_str().unwrap();
        let module = module.strip_suffix(".rs").unwrap_or(module).to_owned();
        Self { path, module, text }
    }

    /// Returns the path of the file's module, without the crate.
    pub(crate) fn module_path(&self) -> Vec<String> {
        let path = self.path.with_extension("");
        let names = path.iter().map(|name| name.to_str().unwrap());
        names.filter(|name| !["lib", "main", "mod"].contains(name)).map(str::to_owned).collect()
    }

    /// Returns the number of steps from the root of the crate to the module.
    pub(crate) fn depth(&self) -> usize {
        self.path.iter().filter(|name| *name != "mod.rs").count()
    }

    /// Returns whether the file contains only tests, models or benchmarks.
    pub(crate) fn is_test(&self) -> bool {
        self.path.with_extension("").iter().any(|name| {
            let name = name.to_str().unwrap();
            ["benchmarks", "models", "tests"].contains(&name) || name.ends_with("_tests")
        })
    }

    /// Returns the numbered lines that are not comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Returns the code without the tests at its end.
    pub(crate) fn code_without_tests(&self) -> String {
        let visibilities = ["", "pub(crate) ", "pub(super) "];
        let tests = visibilities
            .iter()
            .find_map(|visibility| self.text.find(&format!("]\n{visibility}mod tests {{\n")));
        let end = tests.and_then(|tests| self.text[..tests].rfind("#[cfg(test)"));
        let text = &self.text[..end.unwrap_or(self.text.len())];
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

/// Reads the files below `src`.
pub(crate) fn files() -> Vec<SourceFile> {
    let files = files_in("src");
    assert!(files.len() > 50, "some sources are missing");
    files
}

/// Reads the files below a directory of the repository. A published package may lack the directory.
pub(crate) fn files_in(directory: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let mut files = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                // Build output of the packages that are workspaces of their own.
                let is_output = path.file_name().is_some_and(|name| name == "target");
                directories.extend((!is_output).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(SourceFile::read(&root, &path));
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}
