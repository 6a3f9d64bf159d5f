//! Remotes in Node.js, with libzmq's draft sockets, from the npm package `zeromq`.
//!
//! The package is installed below `target/`. It has Client, Server, Radio, Dish, Scatter and
//! Gather, but not Peer and Channel. Without npm its tests are skipped, except in CI.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use crate::skipped::skip;

/// A process of Node.js, which is killed with the test.
pub struct NodeRemote {
    process: Child,
    output: BufReader<ChildStdout>,
}

impl NodeRemote {
    /// Starts a script in a process, or returns `None` if npm is not installed. `target` is the
    /// directory for temporary files of the test binary (`CARGO_TARGET_TMPDIR`), and `script` is a
    /// path from the root of the repository.
    pub fn start(target: &str, script: &str, arguments: &[&str]) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(script);
        let directory = installed(&Path::new(target).join("node"), &script)?;
        let mut process = Command::new("node")
            .args(["--no-warnings".as_ref(), script.file_name().unwrap()])
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, output })
    }

    /// Writes a line to the input of the script.
    pub fn write_line(&mut self, line: &str) {
        writeln!(self.process.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    /// Reads a line of the output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Ends the input, waits until the process ends successfully, and returns its output.
    pub fn finish(mut self) -> String {
        drop(self.process.stdin.take());
        let mut printed = String::new();
        self.output.read_to_string(&mut printed).unwrap();
        assert!(self.process.wait().unwrap().success());
        printed
    }
}

impl Drop for NodeRemote {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
