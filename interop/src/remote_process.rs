use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// A running `libzmq-remote`, which is killed when the handle is dropped.
#[derive(Debug)]
pub struct RemoteProcess {
    process: Child,
    lines: Receiver<String>,
}

impl RemoteProcess {
    /// Starts the program at `path`, which is `env!("CARGO_BIN_EXE_libzmq-remote")` in a test.
    ///
    /// # Errors
    ///
    /// Fails if the process cannot be started.
    pub fn start(
        path: impl AsRef<Path>,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
    ) -> io::Result<Self> {
        let mut process = Command::new(path.as_ref())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let (tx, lines) = mpsc::channel();
        let output = process.stdout.take().map(BufReader::new);
        thread::spawn(move || {
            for line in output.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                if tx.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, lines })
    }

    /// Returns the next line that the process prints, waiting for it at most `timeout`. Returns
    /// `None` if the time is over or the process has ended.
    pub fn line_within(&self, timeout: Duration) -> Option<String> {
        self.lines.recv_timeout(timeout).ok()
    }

    /// Returns the next line that the process has printed, if there is one.
    pub fn try_line(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Kills the process with SIGKILL and waits until it has ended.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Both fail only if the end of the process was already awaited.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Drop for RemoteProcess {
    fn drop(&mut self) {
        self.end();
    }
}
