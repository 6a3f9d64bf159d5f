//! The program as a process.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::{fs, thread};

use tokio::task;

/// Returns a command with these arguments, without the environment variables that it reads.
pub(crate) fn zmtp<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zmtp"));
    command.args(arguments).env_remove("TRACEPARENT").env_remove("TRACESTATE");
    command.stdin(Stdio::null());
    command
}

/// Runs the program to its end, while other tasks of the test continue.
pub(crate) async fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    run_with(arguments, "").await
}

/// Runs the program with this standard input.
pub(crate) async fn run_with<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
    input: &'static str,
) -> Ended {
    let mut command = zmtp(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // The program may end without reading it.
    thread::spawn(move || stdin.write_all(input.as_bytes()));
    task::spawn_blocking(move || process.wait_with_output().unwrap().into()).await.unwrap()
}

/// What a process has written, and its exit code.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ended {
    /// Returns standard output of a process that has succeeded.
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Returns the only line of standard error of a process that has failed with this code.
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        self.stderr
    }
}

/// A process that runs until it is interrupted, and is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    process: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Running {
    pub(crate) fn start<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut process =
            zmtp(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, stderr }
    }

    /// Returns the next line of standard error.
    pub(crate) fn line(&mut self) -> String {
        self.stderr.next().unwrap().unwrap()
    }

    /// Returns the endpoint that the next line names.
    pub(crate) fn endpoint(&mut self) -> String {
        let line = self.line();
        line.rsplit(' ').next().unwrap().to_owned()
    }

    /// Sends SIGINT, as Ctrl-C does. Returns the exit code, and the rest of standard error.
    pub(crate) fn interrupt(mut self) -> (Option<i32>, String) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let code = self.process.wait().unwrap().code();
        let rest = self.stderr.by_ref().map(Result::unwrap).collect::<Vec<_>>().join("\n");
        (code, rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Creates an empty directory for a test.
pub(crate) fn directory(test: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("zmtp").join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}
