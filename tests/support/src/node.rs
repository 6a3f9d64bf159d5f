//! Remotes in Node.js, with libzmq's draft sockets, from the npm package `zeromq`.
//!
//! The package is installed below `target/`. It has all classic sockets, Client, Server, Radio,
//! Dish, Scatter and Gather, but not Peer and Channel. Without npm its tests are skipped, except in CI.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::script::ScriptRemote;
use crate::skipped::skip;

/// Starts a script in a process of Node.js, or returns `None` if npm is not installed. `target` is
/// the directory for temporary files of the test binary (`CARGO_TARGET_TMPDIR`), and `script` is a
/// path from the root of the repository.
pub fn start(target: &str, script: &str, arguments: &[&str]) -> Option<ScriptRemote> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(script);
    let directory = installed(&Path::new(target).join("node"), &script)?;
    let mut command = Command::new("node");
    command
        .args(["--no-warnings".as_ref(), script.file_name().unwrap()])
        .args(arguments)
        .current_dir(directory);
    Some(ScriptRemote::start(&mut command))
}

/// Returns the directory of a script, which contains the script and its dependencies.
fn installed(target: &Path, script: &Path) -> Option<PathBuf> {
    static DIRECTORIES: Mutex<BTreeMap<PathBuf, Option<PathBuf>>> = Mutex::new(BTreeMap::new());
    let mut directories = DIRECTORIES.lock().unwrap();
    let install = || install(target.join(script.file_stem().unwrap()), script);
    directories.entry(script.to_owned()).or_insert_with(install).clone()
}

fn install(directory: PathBuf, script: &Path) -> Option<PathBuf> {
    if Command::new("npm").arg("--version").stdout(Stdio::null()).status().is_err() {
        skip("npm is not installed");
        return None;
    }
    fs::create_dir_all(&directory).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    for file in ["package.json", "package-lock.json"] {
        fs::copy(source.join(file), directory.join(file)).unwrap();
    }
    fs::copy(script, directory.join(script.file_name().unwrap())).unwrap();
    // The package contains its binaries, so nothing else is built or downloaded.
    let done = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
        .current_dir(&directory)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "npm cannot install zeromq: {done}");
    Some(directory)
}
