use std::ffi::{c_int, c_void};
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::error::Error;
use crate::ffi;

/// A libzmq context with one I/O thread, shared by its sockets.
///
/// It terminates when the last of its sockets and handles is dropped. Sockets have a linger of
/// zero unless they set another, so that a failed test ends immediately instead of waiting for a
/// disconnected remote.
#[derive(Clone, Debug)]
pub struct Context(Arc<Inner>);

impl Context {
    /// Creates a context.
    ///
    /// # Errors
    ///
    /// Fails if the process has no file descriptors left.
    pub fn new() -> Result<Self, Error> {
        // SAFETY: the function has no preconditions.
        let raw = NonNull::new(unsafe { ffi::zmq_ctx_new() }).ok_or_else(Error::last)?;
        let context = Self(Arc::new(Inner { raw }));
        // SAFETY: the context lives as long as `context`.
        match unsafe { ffi::zmq_ctx_set(context.as_ptr(), ffi::ZMQ_BLOCKY, 0) } {
            0 => Ok(context),
            _ => Err(Error::last()),
        }
    }

    /// Ends all operations of its sockets, which then fail with `ETERM`.
    pub(crate) fn shut_down(&self) {
        // SAFETY: the context lives as long as `self`, and has not been terminated.
        unsafe { ffi::zmq_ctx_shutdown(self.as_ptr()) };
    }

    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.0.raw.as_ptr()
    }
}

#[derive(Debug)]
struct Inner {
    raw: NonNull<c_void>,
}

// SAFETY: zmq_ctx_new(3): a context is thread-safe and may be shared among as many threads as
// necessary.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        loop {
            // SAFETY: the pointer came from `zmq_ctx_new`. Every socket holds a handle to its
            // context, so there is none left, and the context is not used after this.
            let ended = unsafe { ffi::zmq_ctx_term(self.raw.as_ptr()) } == 0;
            if ended || Error::last().kind() != io::ErrorKind::Interrupted {
                return;
            }
        }
    }
}

/// Returns the version of libzmq: major, minor, patch.
pub fn version() -> (i32, i32, i32) {
    let (mut major, mut minor, mut patch): (c_int, c_int, c_int) = (0, 0, 0);
    // SAFETY: the three pointers are valid for writing for the duration of the call.
    unsafe { ffi::zmq_version(&mut major, &mut minor, &mut patch) };
    (major, minor, patch)
}
