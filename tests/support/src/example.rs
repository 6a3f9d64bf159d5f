//! Example programs that run as processes.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A running example. It is killed if it takes too long, or if its test fails.
pub struct Example {
    child: Arc<Mutex<Child>>,
    stdout: BufReader<ChildStdout>,
    /// Disconnects at the end of the test.
    _alive: Sender<()>,
}

impl Example {
    pub fn start(program: impl AsRef<Path>) -> Self {
        let mut child = Command::new(program.as_ref())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let child = Arc::new(Mutex::new(child));
        let (alive, test) = mpsc::channel();
        let guarded = Arc::clone(&child);
        thread::spawn(move || {
            let _ = test.recv_timeout(LIMIT);
            let _ = guarded.lock().unwrap().kill();
        });
        Self { child, stdout, _alive: alive }
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    pub fn skip_line(&mut self, beginning: &str) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.starts_with(beginning), "{line}");
    }

    /// Waits until the example exits successfully, and returns its output.
    pub fn finish(mut self) -> String {
        let mut output = String::new();
        self.stdout.read_to_string(&mut output).unwrap();
        let status = self.child.lock().unwrap().wait().unwrap();
        assert!(status.success(), "{status}:\n{output}");
        output
    }
}

/// About fifty times the duration of the slowest example.
const LIMIT: Duration = Duration::from_secs(60);
