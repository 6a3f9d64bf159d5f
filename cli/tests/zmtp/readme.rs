//! The examples of the README.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::watchdog::Watchdog;

use crate::process::directory;

/// Each block of commands that is followed by a block of text writes this text. Ports become files
/// in a directory of the example, so that examples do not disturb each other.
#[test]
fn every_example_writes_what_the_readme_states() {
    let _watchdog = Watchdog::start();
    let readme = include_str!("../../README.md");
    let program = Path::new(env!("CARGO_BIN_EXE_zmtp")).parent().unwrap().to_str().unwrap();
    let path = format!("{program}:{}", std::env::var("PATH").unwrap());
    let mut examples = 0;
    for block in readme.split("```sh\n").skip(1) {
        let (script, rest) = block.split_once("```\n").unwrap();
        let Some(expected) = rest.strip_prefix("\n```text\n") else { continue };
        let (expected, _) = expected.split_once("```").unwrap();
        let script = script.replace("tcp://*:", "ipc://").replace("tcp://localhost:", "ipc://");
        let directory = directory();
        let output = Command::new("sh")
            .args(["-c", &format!("{script}\nwait")])
            .env("PATH", &path)
            .env("ZMTP_CONTEXTS", format!("{directory}/contexts.toml"))
            .current_dir(&directory)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{script}\n{errors}");
        fs::remove_dir_all(directory).unwrap();
        examples += 1;
    }
    assert!(examples > 8, "the examples have another form");
}
