//! Lines that the user enters.

use std::io::{self, Write};
use std::thread;

use tokio::sync::mpsc;

/// The standard input, which is read when a line is required for the first time.
#[derive(Default)]
pub(crate) struct Terminal {
    lines: Option<mpsc::Receiver<String>>,
}

impl Terminal {
    pub(crate) fn show_prompt(&self, prompt: &str) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(prompt.as_bytes())?;
        output.flush()
    }

    /// Reads a line, or returns `None` at the end of the input.
    ///
    /// If the future is dropped, no line is lost.
    pub(crate) async fn read_line(&mut self) -> Option<String> {
        self.lines.get_or_insert_with(read_lines).recv().await
    }
}

/// Reads in a thread, because a read cannot be cancelled. Unlike a thread of the runtime, this one
/// does not prevent the program from ending.
fn read_lines() -> mpsc::Receiver<String> {
    let (tx, rx) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { return };
            if tx.blocking_send(line).is_err() {
                return;
            }
        }
    });
    rx
}
