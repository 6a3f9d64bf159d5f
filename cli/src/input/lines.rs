//! Lines of standard input.

use std::io::{self, BufRead};
use std::thread;
use std::vec;

use tokio::sync::mpsc;

use crate::exit::Failure;

/// The lines of standard input, without their ends. A thread reads them, so that the sockets
/// work while it waits. Lines that have arrived together are passed on together.
#[derive(Debug)]
pub(crate) struct Lines {
    batches: mpsc::Receiver<io::Result<Vec<Vec<u8>>>>,
    current: vec::IntoIter<Vec<u8>>,
}

impl Lines {
    pub(crate) fn start() -> Self {
        let (sender, batches) = mpsc::channel(1);
        // It ends with the input, or with the process.
        thread::spawn(move || {
            let mut stdin = io::BufReader::with_capacity(CAPACITY, io::stdin());
            loop {
                let batch = read(&mut stdin);
                let is_last = !matches!(&batch, Ok(lines) if !lines.is_empty());
                if sender.blocking_send(batch).is_err() || is_last {
                    break;
                }
            }
        });
        Self { batches, current: Vec::new().into_iter() }
    }

    /// Returns the next line, or `None` at the end of the input.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(line) = self.current.next() {
                return Ok(Some(line));
            }
            match self.batches.recv().await {
                Some(batch) => self.current = batch?.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

/// Reads a line, and those that are in the buffer already. Returns none at the end.
fn read(stdin: &mut io::BufReader<impl io::Read>) -> io::Result<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        if stdin.read_until(b'\n', &mut line)? == 0 {
            return Ok(lines);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        lines.push(line);
        if !stdin.buffer().contains(&b'\n') {
            return Ok(lines);
        }
    }
}

const CAPACITY: usize = 1 << 16;
