//! A program of this package that runs as a separate process.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time;

/// A program that listens. It is killed if its test fails.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Process {
    pub(crate) async fn start(program: &str, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .env("LISTEN", "127.0.0.1:0")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut process = Self { child, stdout, address: String::new() };
        let line = process.read_line().await;
        process.address = line.strip_prefix("listening on ").unwrap().to_owned();
        process
    }

    /// Sends a signal that ends the program, such as `INT` for Ctrl-C, and waits until the program
    /// has handled it.
    pub(crate) async fn signal(&mut self, signal: &str) {
        let kill = format!("kill -s {signal} {}", self.child.id().unwrap());
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
        assert_eq!(self.read_line().await, "ending");
    }

    /// Waits until the program has ended successfully.
    pub(crate) async fn finish(mut self) {
        let mut shown = String::new();
        within(self.stdout.read_to_string(&mut shown)).await.unwrap();
        let status = within(self.child.wait()).await.unwrap();
        assert!(status.success(), "{status}:\n{shown}");
        assert_eq!(shown, "ended with 0 undelivered requests\n");
    }

    async fn read_line(&mut self) -> String {
        let mut line = String::new();
        within(self.stdout.read_line(&mut line)).await.unwrap();
        line.trim_end().to_owned()
    }
}

/// Fails the test if `doing` hangs.
async fn within<T>(doing: impl Future<Output = T>) -> T {
    time::timeout(LIMIT, doing).await.expect("the program hangs")
}

/// Much longer than the slowest test.
const LIMIT: Duration = Duration::from_secs(60);
