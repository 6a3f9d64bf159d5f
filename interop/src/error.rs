use std::error;
use std::ffi::{CStr, c_int};
use std::fmt;
use std::io;

use crate::ffi;

/// The error of a libzmq function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    errno: c_int,
    text: String,
}

impl Error {
    /// Returns the error of the libzmq function that just failed on this thread.
    pub(crate) fn last() -> Self {
        // SAFETY: the function has no preconditions.
        Self::from_errno(unsafe { ffi::zmq_errno() })
    }

    pub(crate) fn from_errno(errno: c_int) -> Self {
        // SAFETY: libzmq returns a NUL-terminated string for every number; it is copied here.
        let text = unsafe { CStr::from_ptr(ffi::zmq_strerror(errno)) };
        Self { errno, text: text.to_string_lossy().into_owned() }
    }

    /// Returns the error number: one of the system, or one of libzmq, which are above 156384712.
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// Returns the kind of the error.
    ///
    /// A timeout is [`io::ErrorKind::WouldBlock`], and an unknown routing id is
    /// [`io::ErrorKind::HostUnreachable`].
    pub fn kind(&self) -> io::ErrorKind {
        io::Error::from_raw_os_error(self.errno).kind()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (errno {})", self.text, self.errno)
    }
}

impl error::Error for Error {}

/// The reason why a non-blocking operation had no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryError {
    /// No message to receive, or no queue capacity to send (`EAGAIN`).
    WouldBlock,
    /// An error that waiting does not resolve.
    Failed(Error),
}

impl From<Error> for TryError {
    fn from(error: Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock => Self::WouldBlock,
            _ => Self::Failed(error),
        }
    }
}

impl fmt::Display for TryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => f.write_str("operation would block"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl error::Error for TryError {}
