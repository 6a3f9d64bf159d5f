//! The standard output, written in batches.

use std::io::{self, IsTerminal, Write};

use crate::platform::{self, StandardOutput};

/// The standard output with a buffer, which is written when it is full or flushed: one system call
/// for many messages. The buffer of `std` would be written at each line.
#[derive(Debug)]
pub(crate) struct Stdout {
    file: StandardOutput,
    buffer: Vec<u8>,
    is_terminal: bool,
}

impl Stdout {
    pub(crate) fn open() -> io::Result<Self> {
        let is_terminal = io::stdout().is_terminal();
        let file = platform::standard_output()?;
        Ok(Self { file, buffer: Vec::with_capacity(2 * CAPACITY), is_terminal })
    }

    pub(crate) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Appends bytes by a function, and writes the buffer if it is full.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        write(&mut self.buffer);
        self.written()
    }

    /// Returns the buffer, to append to it.
    pub(crate) const fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes the buffer if it is full.
    pub(crate) fn written(&mut self) -> io::Result<()> {
        if self.buffer.len() < CAPACITY { Ok(()) } else { self.flush() }
    }

    /// Writes what is in the buffer.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.buffer).and_then(|()| self.file.flush());
        self.buffer.clear();
        written
    }
}

/// The capacity of a pipe on Linux.
const CAPACITY: usize = 1 << 16;
