use std::ffi::c_int;
#[cfg(unix)]
use std::ffi::c_long;
#[cfg(unix)]
use std::os::fd::{AsRawFd, BorrowedFd};
#[cfg(unix)]
use std::ptr;

use crate::error::{Error, TryError};
use crate::ffi;
use crate::message::Message;
use crate::socket::Socket;
#[cfg(unix)]
use crate::socket::until_not_interrupted;

/// The only handle of a socket. Its calls take no lock, as in a C program that uses the socket from
/// one thread at a time.
#[derive(Debug)]
pub struct ExclusiveSocket(Socket);

impl ExclusiveSocket {
    /// Takes the only handle of a socket; returns it if there are others.
    ///
    /// # Errors
    ///
    /// The handle, if it is not the only one.
    pub fn new(socket: Socket) -> Result<Self, Socket> {
        if socket.is_only_handle() { Ok(Self(socket)) } else { Err(socket) }
    }

    /// Sends a part of a message, waiting for queue capacity, and replaces it with an empty
    /// message. `more` states whether another part of the same message follows.
    ///
    /// # Errors
    ///
    /// As `Socket::send`. The part remains.
    pub fn send_part(&mut self, part: &mut Message, more: bool) -> Result<(), Error> {
        let flags = if more { ffi::ZMQ_SNDMORE } else { 0 };
        // SAFETY: this is the only handle, and it is borrowed mutably.
        unsafe { self.0.submit_unlocked(part, flags) }
    }

    /// Sends a part of a message if the queue is not full. Only the first part can find it full.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] otherwise. The part remains.
    pub fn try_send_part(&mut self, part: &mut Message, more: bool) -> Result<(), TryError> {
        let flags = if more { ffi::ZMQ_SNDMORE } else { 0 } | ffi::ZMQ_DONTWAIT;
        // SAFETY: as in `send_part`.
        Ok(unsafe { self.0.submit_unlocked(part, flags) }?)
    }

    /// Waits until there is a message or `file` is readable. Returns whether there is a message.
    ///
    /// # Errors
    ///
    /// The errors of `zmq_poll(3)`.
    #[cfg(unix)]
    pub fn wait_for_message_or(&mut self, file: BorrowedFd<'_>) -> Result<bool, Error> {
        let item =
            |socket, fd| ffi::ZmqPollItem { socket, fd, events: ffi::ZMQ_POLLIN, revents: 0 };
        let mut items = [item(self.0.as_ptr(), -1), item(ptr::null_mut(), file.as_raw_fd())];
        // SAFETY: the array has two items, with a socket of which this is the only handle and a
        // file that is borrowed meanwhile.
        until_not_interrupted(|| unsafe { ffi::zmq_poll(items.as_mut_ptr(), 2, WITHOUT_LIMIT) })?;
        Ok(items[0].revents != 0)
    }

    /// Receives a part of a message, waiting for one. [`Message::has_more`] states whether another
    /// one follows.
    ///
    /// # Errors
    ///
    /// As `Socket::recv`.
    pub fn recv_part(&mut self, part: &mut Message) -> Result<(), Error> {
        self.fetch(part, 0)
    }

    /// Receives a part of a message if there is one.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] otherwise.
    pub fn try_recv_part(&mut self, part: &mut Message) -> Result<(), TryError> {
        Ok(self.fetch(part, ffi::ZMQ_DONTWAIT)?)
    }

    fn fetch(&mut self, part: &mut Message, flags: c_int) -> Result<(), Error> {
        // SAFETY: this is the only handle, and it is borrowed mutably.
        unsafe { self.0.fetch_unlocked(part, flags) }
    }
}

#[cfg(unix)]
const WITHOUT_LIMIT: c_long = -1;
