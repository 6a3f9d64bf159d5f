//! Groups: RADIO and DISH.

use std::ffi::{CStr, CString, c_int};

use crate::error::{Error, TryError};
use crate::ffi;
use crate::message::Message;
use crate::socket::Socket;

impl Socket {
    /// Makes a DISH join a group.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the group is already joined, is too long or contains a NUL.
    pub fn join(&self, group: &[u8]) -> Result<(), Error> {
        let group = group_to_c(group)?;
        // SAFETY: the group is NUL-terminated, and a DISH is thread-safe.
        check(unsafe { ffi::zmq_join(self.as_ptr(), group.as_ptr()) })
    }

    /// Makes a DISH leave a group.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the group is not joined.
    pub fn leave(&self, group: &[u8]) -> Result<(), Error> {
        let group = group_to_c(group)?;
        // SAFETY: as in `join`.
        check(unsafe { ffi::zmq_leave(self.as_ptr(), group.as_ptr()) })
    }

    /// Sends a copy of `body` from a RADIO to a group.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the group is too long or contains a NUL.
    pub fn send_to_group(&self, group: &[u8], body: &[u8]) -> Result<(), Error> {
        let mut message = Message::copied_from(body)?;
        message.set_group(&group_to_c(group)?)?;
        self.send_message(&mut message)
    }

    /// Receives a message and its group with a DISH, waiting for one.
    ///
    /// # Errors
    ///
    /// `EAGAIN` after the receive timeout.
    pub fn recv_of_group(&self) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut message = Message::new()?;
        self.recv_message(&mut message)?;
        Ok(group_and_body(message))
    }

    /// Receives a message and its group with a DISH, if a message is available.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] otherwise.
    pub fn try_recv_of_group(&self) -> Result<(Vec<u8>, Vec<u8>), TryError> {
        let mut message = Message::new()?;
        self.try_recv_message(&mut message)?;
        Ok(group_and_body(message))
    }
}

fn group_and_body(mut message: Message) -> (Vec<u8>, Vec<u8>) {
    // SAFETY: the message is initialized. libzmq returns a NUL-terminated string that lives as long
    // as the message; it is copied here.
    let group = unsafe { CStr::from_ptr(ffi::zmq_msg_group(message.as_mut_ptr())) };
    (group.to_bytes().to_vec(), message.body().to_vec())
}

impl Message {
    /// Sets the group that a RADIO sends the message to.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the group is too long.
    pub fn set_group(&mut self, group: &CStr) -> Result<(), Error> {
        // SAFETY: the message is initialized, and the group is NUL-terminated; it is copied.
        check(unsafe { ffi::zmq_msg_set_group(self.as_mut_ptr(), group.as_ptr()) })
    }
}

fn check(result: c_int) -> Result<(), Error> {
    if result == 0 { Ok(()) } else { Err(Error::last()) }
}

fn group_to_c(group: &[u8]) -> Result<CString, Error> {
    const EINVAL: c_int = 22;
    CString::new(group).map_err(|_| Error::from_errno(EINVAL))
}
