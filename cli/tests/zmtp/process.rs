//! The program as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use support::watchdog::Watchdog;

/// A running `zmtp`, which is killed with the test.
pub(crate) struct Zmtp {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
    _watchdog: Watchdog,
}

/// What a process has written, and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Zmtp {
    /// Starts it with arguments that are separated by spaces.
    pub(crate) fn start(arguments: &str) -> Self {
        Self::start_with(arguments.split(' '), |_| {})
    }

    pub(crate) fn start_with<'a>(
        arguments: impl IntoIterator<Item = &'a str>,
        configure: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zmtp"));
        command.args(arguments).env_remove("ZMTP_CONTEXT").env("ZMTP_CONTEXTS", "/no/such/file");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        configure(&mut command);
        let mut child = command.spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().map(BufReader::new),
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
            _watchdog: Watchdog::start(),
        }
    }

    /// Starts it with arguments that bind `tcp://127.0.0.1:*`, and returns the endpoint.
    pub(crate) fn bound(arguments: &str) -> (Self, String) {
        let mut zmtp = Self::start(arguments);
        let endpoint = zmtp.notice("listening on ");
        (zmtp, endpoint)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads notices up to one that contains this text, and returns what follows it.
    pub(crate) fn notice(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "no notice `{text}`");
            if let Some((_, rest)) = line.trim_end().split_once(text) {
                return rest.to_owned();
            }
        }
    }

    /// Reads a line of the output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Writes to the input.
    pub(crate) fn write(&mut self, text: &str) {
        self.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Sends a signal, and waits for the end of the process, whose input stays open until then.
    pub(crate) fn interrupt(mut self, name: &str) -> End {
        self.signal(name);
        self.child.wait().unwrap();
        self.end()
    }

    /// Closes the output, and waits for the end of the process, whose input stays open until then.
    pub(crate) fn unread(mut self) -> Option<i32> {
        drop(self.stdout.take());
        self.child.wait().unwrap().code()
    }

    /// Closes the input, and waits for the end of the process.
    pub(crate) fn end(mut self) -> End {
        drop(self.stdin.take());
        let (mut stdout, mut stderr) = (Vec::new(), String::new());
        self.stdout.as_mut().unwrap().read_to_end(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code();
        End { code, stdout: String::from_utf8_lossy(&stdout).into_owned(), stderr }
    }

    /// Waits for a successful end, and returns the output.
    pub(crate) fn finish(self) -> String {
        let end = self.end();
        assert_eq!(end.code, Some(0), "{end:?}");
        end.stdout
    }
}

impl Drop for Zmtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end, without input.
pub(crate) fn run(arguments: &str) -> End {
    Zmtp::start(arguments).end()
}

/// Creates an empty directory.
pub(crate) fn directory() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let path = env::temp_dir().join(format!("zmtp-{}-{number}", process::id()));
    fs::create_dir_all(&path).unwrap();
    path.to_str().unwrap().to_owned()
}
