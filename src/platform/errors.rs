//! Errors that `std` does not distinguish.

use std::io;

/// Returns whether the process or the system has no file descriptor left.
#[cfg(unix)]
pub(crate) fn is_out_of_file_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Elsewhere, this is not distinguished from other errors.
#[cfg(not(unix))]
pub(crate) fn is_out_of_file_descriptors(_: &io::Error) -> bool {
    false
}
