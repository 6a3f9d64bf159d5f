//! Remotes in Python, with the sockets of a release of libzmq, from the package `pyzmq` of PyPI.
//!
//! The package is installed below `target/`. Its wheel contains libzmq, built without drafts, as in
//! most programs. Without pip its tests are skipped, except in CI.

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
    static PACKAGES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let packages = PACKAGES.get_or_init(|| install(&Path::new(target).join("python"))).as_ref()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(script);
    let mut command = Command::new("python3");
    command.arg(script).env("PYTHONPATH", packages).env("PYTHONUNBUFFERED", "1");
    Some(ScriptRemote::start(&mut command))
}

/// Returns the directory of the package.
fn install(directories: &Path) -> Option<PathBuf> {
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
    let packages = directories.join(PACKAGE);
    install_once(&packages, |packages| {
        // Only wheels, so that nothing is built.
        let done = pip()
            .args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--root-user-action", "ignore", "--only-binary", ":all:"])
            .arg("--target")
            .arg(packages)
            .arg(PACKAGE)
            .status()
            .unwrap();
        assert!(done.success(), "pip cannot install {PACKAGE}: {done}");
    });
    Some(packages)
}

/// The package, which contains libzmq 4.3.5.
const PACKAGE: &str = "pyzmq==27.3.0";
