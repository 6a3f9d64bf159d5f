//! Example programs that run as processes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A running example. It is killed if it takes too long, or if its test fails.
pub struct Example {
    child: Arc<Mutex<Child>>,
    /// The input, if the command that started the example has a pipe for it.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// Disconnects at the end of the test.
    _alive: Sender<()>,
}

impl Example {
    pub fn start(program: impl AsRef<Path>) -> Self {
        Self::spawn(Command::new(program.as_ref()).stdin(Stdio::null()))
    }

    /// Starts an example with arguments, an environment or an input.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let child = Arc::new(Mutex::new(child));
        let (alive, test) = mpsc::channel();
        let guarded = Arc::clone(&child);
        thread::spawn(move || {
            let _ = test.recv_timeout(LIMIT);
            let _ = guarded.lock().unwrap().kill();
        });
        Self { child, stdin, stdout, _alive: alive }
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    pub fn skip_line(&mut self, beginning: &str) {
        self.rest_of_line(beginning);
    }

    /// Reads a line that begins with this text, and returns the rest of it.
    pub fn rest_of_line(&mut self, beginning: &str) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let rest = line.trim_end().strip_prefix(beginning);
        rest.unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Reads the output up to this text, which need not be the end of a line.
    pub fn skip_text(&mut self, text: &str) {
        let mut read = Vec::new();
        while !read.ends_with(text.as_bytes()) {
            let mut byte = [0];
            let end = self.stdout.read(&mut byte).unwrap() == 0;
            assert!(!end, "{}", String::from_utf8_lossy(&read));
            read.extend(byte);
        }
    }

    /// Writes a line to the input.
    pub fn write_line(&mut self, line: &str) {
        writeln!(self.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    /// Ends the input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits until the example exits, and returns the rest of its output. The command that started
    /// it must have a pipe for errors. The input does not end before.
    pub fn end(mut self) -> Output {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        self.stdout.read_to_end(&mut stdout).unwrap();
        let errors = self.child.lock().unwrap().stderr.take();
        errors.unwrap().read_to_end(&mut stderr).unwrap();
        let status = self.child.lock().unwrap().wait().unwrap();
        Output { status, stdout, stderr }
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
