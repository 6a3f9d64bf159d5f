//! What the program writes: messages to standard output, notices to standard error.

mod dump;
pub(crate) mod format;
pub(crate) mod notice;
mod stdout;

use self::format::Format;
pub(crate) use self::format::{DelimiterArguments, FormatArguments};
pub(crate) use self::stdout::Stdout;
use crate::exit::Failure;
use crate::socket::Received;

/// The standard output, to which messages are written in one form.
#[derive(Debug)]
pub(crate) struct Output {
    stdout: Stdout,
    format: Format,
}

impl Output {
    pub(crate) fn open(
        format: &FormatArguments,
        delimiter: &DelimiterArguments,
    ) -> Result<Self, Failure> {
        let stdout = Stdout::open()?;
        let format = format.format(delimiter, stdout.is_terminal())?;
        Ok(Self { stdout, format })
    }

    /// Appends a message. The buffer is written when it is full.
    pub(crate) fn write(&mut self, message: &Received) -> Result<(), Failure> {
        self.format.write(message, self.stdout.buffer())?;
        Ok(self.stdout.written()?)
    }

    /// Writes what is in the buffer.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.stdout.flush()?)
    }
}
