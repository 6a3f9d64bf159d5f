//! The exit codes, and the failures that lead to them.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes. `cli/README.md` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The program has done what was requested.
    Success = 0,
    /// Another failure.
    Failure = 1,
    /// The command line, an endpoint, an option or a file of the configuration is not valid.
    Usage = 2,
    /// A time limit was reached.
    TimedOut = 3,
    /// A remote refused this socket, or its handshake failed.
    Refused = 4,
    /// Messages were not delivered, or a message was received only partly.
    Incomplete = 5,
    /// `monitor` cannot connect to the endpoint.
    Unreachable = 6,
    /// Interrupted by Ctrl-C (SIGINT).
    Interrupted = 130,
    /// The reader of the output has closed it (SIGPIPE).
    BrokenPipe = 141,
    /// Terminated (SIGTERM).
    #[cfg_attr(not(unix), expect(dead_code, reason = "a signal of Unix"))]
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure of a command, which is shown as one line.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// The command line cannot be carried out.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The program ends without a message.
    pub(crate) fn quiet(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Adds where the failure is, such as the line of a file.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Adds what the user can try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Writes the line, unless the failure is quiet.
    pub(crate) fn report(&self) {
        if !self.message.is_empty() {
            crate::output::notice::error(&self.to_string());
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// A failure to write the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::quiet(Exit::BrokenPipe);
        }
        Self::new(Exit::Failure, with_sources(&error))
    }
}

/// Returns the text of an error and of all its causes.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
