use std::ffi::c_int;

use crate::error::{Error, TryError};
use crate::ffi;
use crate::message::Message;
use crate::socket::Socket;

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
