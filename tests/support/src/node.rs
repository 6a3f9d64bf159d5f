//! Remotes in Node.js, with libzmq's draft sockets, from the npm package `zeromq`.
//!
//! The package is installed below `target/`. It has all classic sockets, Client, Server, Radio,
//! Dish, Scatter and Gather, but not Peer and Channel. Without npm its tests are skipped, except in
//! CI.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::installation::{copy_whole, install_once};
use crate::script::ScriptRemote;
use crate::skipped::skip;

/// Starts a script in a process of Node.js, or returns `None` if npm is not installed. `target` is
/// the directory for temporary files of the test binary (`CARGO_TARGET_TMPDIR`), and `script` is a
/// path from the root of the repository.
pub fn start(target: &str, script: &str, arguments: &[&str]) -> Option<ScriptRemote> {
    static DIRECTORY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| install(&Path::new(target).join("node"))).as_ref()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(script);
    let name = script.file_name().unwrap();
    // A module is searched for from the directory of the script that imports it.
    copy_whole(&script, &directory.join(name));
    let mut command = Command::new("node");
    command.args(["--no-warnings".as_ref(), name]).args(arguments).current_dir(directory);
    Some(ScriptRemote::start(&mut command))
}

/// Returns a directory with the package, which scripts can be copied into.
fn install(directories: &Path) -> Option<PathBuf> {
    if Command::new("npm").arg("--version").stdout(Stdio::null()).status().is_err() {
        skip("npm is not installed");
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    let mut hasher = DefaultHasher::new();
    fs::read(source.join("package-lock.json")).unwrap().hash(&mut hasher);
    let directory = directories.join(format!("{:016x}", hasher.finish()));
    install_once(&directory, |directory| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), directory.join(file)).unwrap();
        }
        // The package contains its binaries, so nothing else is built or downloaded.
        let done = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(done.success(), "npm cannot install zeromq: {done}");
    });
    Some(directory)
}
