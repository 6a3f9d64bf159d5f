//! Remotes in Python, with the sockets of a release of libzmq, from the package `pyzmq` of PyPI.
//!
//! The package is installed below `target/`. Its wheel contains libzmq, built without drafts, as in
//! most programs. Without pip its tests are skipped, except in CI. The same holds for `ipykernel`.
//!
//! If the environment variable `SYSTEM_PYZMQ` is set, the package is instead that of the system,
//! which uses the libzmq of the system.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::installation::install_once;
use crate::script::ScriptRemote;
use crate::skipped::skip;

/// Starts a script in a process of Python, or returns `None` if pip is not installed. `target` is
/// the directory for temporary files of the test binary (`CARGO_TARGET_TMPDIR`), and `script` is a
/// path from the root of the repository.
pub fn start(target: &str, script: &str) -> Option<ScriptRemote> {
    start_with(target, script, &[])
}

/// Starts a script like [`start`], with arguments.
pub fn start_with(target: &str, script: &str, arguments: &[&str]) -> Option<ScriptRemote> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(script);
    let mut command = if env::var_os("SYSTEM_PYZMQ").is_some() {
        // Another Python, which does not have the packages of the system, may be first in the path.
        Command::new("/usr/bin/python3")
    } else {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", wheel(target)?);
        command
    };
    command.arg(script).args(arguments).env("PYTHONUNBUFFERED", "1");
    Some(ScriptRemote::start(&mut command))
}

/// Returns a directory with the package of PyPI.
fn wheel(target: &str) -> Option<&'static Path> {
    static PACKAGES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let install = || install(target, PACKAGE, &[PACKAGE.as_ref()]);
    PACKAGES.get_or_init(install).as_deref()
}

/// Returns a directory with `ipykernel` and its dependencies, for `PYTHONPATH`, or `None` if pip is
/// not installed, or if Python is too old for them. `target` is the directory for temporary files
/// of the test binary (`CARGO_TARGET_TMPDIR`).
pub fn ipykernel(target: &str) -> Option<PathBuf> {
    static PACKAGES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let install = || {
        let is_recent = "import sys; sys.exit(sys.version_info < (3, 11))";
        let status = Command::new("python3").args(["-c", is_recent]).status();
        if !status.is_ok_and(|status| status.success()) {
            skip("Python 3.11 is not installed");
            return None;
        }
        let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/ipykernel.txt");
        let mut hasher = DefaultHasher::new();
        fs::read(&versions).unwrap().hash(&mut hasher);
        let name = format!("ipykernel-{:016x}", hasher.finish());
        install(target, &name, &["--requirement".as_ref(), versions.as_os_str()])
    };
    PACKAGES.get_or_init(install).clone()
}

/// Returns a directory of this name that contains these packages.
fn install(target: &str, name: &str, packages: &[&OsStr]) -> Option<PathBuf> {
    let pip = || {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip"]).stdin(Stdio::null());
        pip
    };
    let version = pip().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        skip("pip is not installed");
        return None;
    }
    let directory = Path::new(target).join("python").join(name);
    install_once(&directory, |directory| {
        // Only wheels, so that nothing is built.
        let done = pip()
            .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--root-user-action", "ignore", "--only-binary", ":all:"])
            .arg("--target")
            .arg(directory)
            .args(packages)
            .status()
            .unwrap();
        assert!(done.success(), "pip cannot install {name}: {done}");
    });
    Some(directory)
}

/// The package, which contains libzmq 4.3.5.
const PACKAGE: &str = "pyzmq==27.3.0";
