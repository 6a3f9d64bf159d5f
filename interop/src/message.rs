use std::ffi::{CStr, CString};
use std::fmt;
use std::mem::MaybeUninit;
use std::slice;

use crate::error::Error;
use crate::ffi::{self, ZmqMsg};

/// A message in libzmq's representation, which can receive repeatedly without copying.
///
/// Moving a message in memory is sound: a `zmq_msg_t` stores a short body inline and pointers to
/// other data, but no pointer to itself.
pub struct Message(ZmqMsg);

impl Message {
    /// Creates an empty message.
    ///
    /// # Errors
    ///
    /// libzmq documents no errors.
    pub fn new() -> Result<Self, Error> {
        // SAFETY: the pointer is valid for writing a `zmq_msg_t`.
        Self::initialized_by(|raw| unsafe { ffi::zmq_msg_init(raw) })
    }

    /// Creates a message of `size` bytes, all zero.
    ///
    /// # Errors
    ///
    /// Fails if there is not enough memory.
    pub fn zeroed(size: usize) -> Result<Self, Error> {
        let mut message = Self::unfilled(size)?;
        // SAFETY: the body of the message is `size` bytes long and not shared.
        unsafe { ffi::zmq_msg_data(message.as_mut_ptr()).cast::<u8>().write_bytes(0, size) };
        Ok(message)
    }

    /// Creates a message with a copy of `body`.
    ///
    /// # Errors
    ///
    /// Fails if there is not enough memory.
    pub fn copied_from(body: &[u8]) -> Result<Self, Error> {
        let mut message = Self::unfilled(body.len())?;
        // SAFETY: the body of the message is `body.len()` bytes long and newly allocated.
        unsafe {
            let data = ffi::zmq_msg_data(message.as_mut_ptr()).cast::<u8>();
            data.copy_from_nonoverlapping(body.as_ptr(), body.len());
        }
        Ok(message)
    }

    /// Sets the remote that a SERVER sends the message to.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `routing_id` is zero.
    pub fn set_routing_id(&mut self, routing_id: u32) -> Result<(), Error> {
        // SAFETY: the message is initialized.
        match unsafe { ffi::zmq_msg_set_routing_id(self.as_mut_ptr(), routing_id) } {
            0 => Ok(()),
            _ => Err(Error::last()),
        }
    }

    /// Returns the routing id of the sender, or zero if no SERVER received the message.
    pub fn routing_id(&mut self) -> u32 {
        // SAFETY: the message is initialized.
        unsafe { ffi::zmq_msg_routing_id(self.as_mut_ptr()) }
    }

    /// Returns a property of the connection that the message came through: `Socket-Type`,
    /// `Peer-Address`, or a property that the remote has announced. Returns `None` if it does not
    /// exist.
    pub fn property(&self, name: &str) -> Option<String> {
        let name = CString::new(name).ok()?;
        // SAFETY: the message is initialized, and the name is NUL-terminated.
        let value = unsafe { ffi::zmq_msg_gets(&self.0, name.as_ptr()) };
        if value.is_null() {
            return None;
        }
        // SAFETY: libzmq returns a NUL-terminated string that lives as long as the message; it is
        // copied here.
        let value = unsafe { CStr::from_ptr(value) };
        Some(value.to_string_lossy().into_owned())
    }

    /// Returns whether another part of the same message follows.
    pub fn has_more(&self) -> bool {
        // SAFETY: the message is initialized.
        unsafe { ffi::zmq_msg_more(&self.0) != 0 }
    }

    /// Returns the body.
    pub fn body(&mut self) -> &[u8] {
        let raw = self.as_mut_ptr();
        // SAFETY: the message is initialized, its data pointer is not null (libzmq asserts
        // that), its body is filled (by `zeroed`, `copied_from` or libzmq) and does not move
        // while the message is borrowed.
        unsafe {
            slice::from_raw_parts(ffi::zmq_msg_data(raw).cast::<u8>(), ffi::zmq_msg_size(raw))
        }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ZmqMsg {
        &mut self.0
    }

    /// Creates a message whose body must be written before `body` may read it.
    fn unfilled(size: usize) -> Result<Self, Error> {
        // SAFETY: the pointer is valid for writing a `zmq_msg_t`.
        Self::initialized_by(|raw| unsafe { ffi::zmq_msg_init_size(raw, size) })
    }

    fn initialized_by(init: impl FnOnce(*mut ZmqMsg) -> i32) -> Result<Self, Error> {
        let mut raw = MaybeUninit::<ZmqMsg>::zeroed();
        if init(raw.as_mut_ptr()) != 0 {
            return Err(Error::last());
        }
        // SAFETY: `init` has initialized the message; to Rust it is an array of bytes, all of
        // which have been zero before.
        Ok(Self(unsafe { raw.assume_init() }))
    }
}

// SAFETY: a message owns its body or shares it by an atomic reference count.
unsafe impl Send for Message {}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the message is initialized.
        let size = unsafe { ffi::zmq_msg_size(&self.0) };
        f.debug_struct("Message").field("size", &size).finish_non_exhaustive()
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: the message is initialized and no longer used.
        unsafe { ffi::zmq_msg_close(self.as_mut_ptr()) };
    }
}
