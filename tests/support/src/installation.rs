//! Packages of other languages, installed once for all test processes.

use std::fs;
use std::path::Path;
use std::process;

/// Creates a directory and fills it, unless it exists. It appears with all of its content, so that
/// test processes that run at the same time do not disturb each other.
///
/// # Panics
///
/// The directory cannot be created.
pub(crate) fn install_once(directory: &Path, fill: impl FnOnce(&Path)) {
    if directory.exists() {
        return;
    }
    let mut partial = directory.as_os_str().to_owned();
    partial.push(format!("-{}", process::id()));
    let partial = Path::new(&partial);
    // An earlier process with this id may have been killed.
    let _ = fs::remove_dir_all(partial);
    fs::create_dir_all(partial).unwrap();
    fill(partial);
    if let Err(error) = fs::rename(partial, directory) {
        assert!(directory.exists(), "cannot create {}: {error}", directory.display());
        fs::remove_dir_all(partial).unwrap();
    }
}

/// Copies a file atomically, so that no process reads an incomplete file.
///
/// # Panics
///
/// The file cannot be copied.
pub(crate) fn copy_whole(from: &Path, to: &Path) {
    let mut partial = to.as_os_str().to_owned();
    partial.push(format!("-{}-{:?}", process::id(), std::thread::current().id()));
    fs::copy(from, &partial).unwrap();
    fs::rename(&partial, to).unwrap();
}
