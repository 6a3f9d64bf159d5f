use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::context::Context;
use crate::error::{Error, TryError};
use crate::ffi;
use crate::message::Message;
use crate::socket_option::{BytesOption, SocketOption};
use crate::socket_type::SocketType;

/// A libzmq socket.
///
/// Clones are handles to the same socket, which closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Socket(Arc<Inner>);

impl Socket {
    /// Creates a socket.
    ///
    /// # Errors
    ///
    /// Fails if the context has too many sockets.
    pub fn new(context: &Context, socket_type: SocketType) -> Result<Self, Error> {
        // SAFETY: the context lives, and the socket keeps it alive.
        let raw = unsafe { ffi::zmq_socket(context.as_ptr(), socket_type.number()) };
        let raw = NonNull::new(raw).ok_or_else(Error::last)?;
        let one_at_a_time = (!socket_type.is_thread_safe()).then(Mutex::default);
        Ok(Self(Arc::new(Inner { raw, one_at_a_time, context: context.clone() })))
    }

    /// Binds to `endpoint`. The system picks a port for `*`.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`, and the other errors of `zmq_bind(3)`.
    pub fn bind(&self, endpoint: &str) -> Result<(), Error> {
        self.with_endpoint(endpoint, ffi::zmq_bind)
    }

    /// Connects to `endpoint`, and reconnects when the connection is lost.
    ///
    /// # Errors
    ///
    /// The errors of `zmq_connect(3)`. A missing listener is not an error.
    pub fn connect(&self, endpoint: &str) -> Result<(), Error> {
        self.with_endpoint(endpoint, ffi::zmq_connect)
    }

    /// Connects a PEER to `endpoint`, and returns the routing id of the remote.
    ///
    /// # Errors
    ///
    /// `ENOTSUP` for other types, `EFAULT` if `ZMQ_IMMEDIATE` is set, and the errors of `connect`.
    pub fn connect_peer(&self, endpoint: &str) -> Result<u32, Error> {
        let endpoint = endpoint_to_c(endpoint)?;
        let _guard = self.exclusive_access();
        // SAFETY: the endpoint is NUL-terminated.
        match unsafe { ffi::zmq_connect_peer(self.as_ptr(), endpoint.as_ptr()) } {
            0 => Err(Error::last()),
            routing_id => Ok(routing_id),
        }
    }

    /// Reverts `bind`.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the socket is not bound to `endpoint`.
    pub fn unbind(&self, endpoint: &str) -> Result<(), Error> {
        self.with_endpoint(endpoint, ffi::zmq_unbind)
    }

    /// Reverts `connect`.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the socket is not connected to `endpoint`.
    pub fn disconnect(&self, endpoint: &str) -> Result<(), Error> {
        self.with_endpoint(endpoint, ffi::zmq_disconnect)
    }

    /// Sets an option.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the value is out of range.
    pub fn set(&self, option: SocketOption, value: i32) -> Result<(), Error> {
        let value: c_int = value;
        self.set_raw(option.number(), &value.to_ne_bytes())
    }

    /// Sets an option whose value is bytes.
    ///
    /// # Errors
    ///
    /// `EINVAL` if libzmq does not accept this value.
    pub fn set_bytes(&self, option: BytesOption, value: &[u8]) -> Result<(), Error> {
        self.set_raw(option.number(), value)
    }

    /// Returns the last endpoint that was bound or connected, with the port that the system picked.
    ///
    /// # Errors
    ///
    /// libzmq documents no errors.
    pub fn last_endpoint(&self) -> Result<String, Error> {
        const ZMQ_LAST_ENDPOINT: c_int = 32;
        let mut text = [0_u8; 512];
        let mut size = text.len();
        let _guard = self.exclusive_access();
        // SAFETY: `text` is valid for writing `size` bytes.
        let result = unsafe {
            ffi::zmq_getsockopt(
                self.as_ptr(),
                ZMQ_LAST_ENDPOINT,
                text.as_mut_ptr().cast::<c_void>(),
                &mut size,
            )
        };
        if result != 0 {
            return Err(Error::last());
        }
        Ok(text.iter().take_while(|&&byte| byte != 0).map(|&byte| char::from(byte)).collect())
    }

    /// Sends a copy of `body`, waiting for queue capacity.
    ///
    /// # Errors
    ///
    /// `EAGAIN` after the send timeout.
    pub fn send(&self, body: &[u8]) -> Result<(), Error> {
        self.send_message(&mut Message::copied_from(body)?)
    }

    /// Sends a copy of `body` if the queue is not full.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] otherwise.
    pub fn try_send(&self, body: &[u8]) -> Result<(), TryError> {
        Ok(self.submit(&mut Message::copied_from(body)?, ffi::ZMQ_DONTWAIT)?)
    }

    /// Sends a copy of `body` to one remote of a SERVER or PEER, waiting for queue capacity.
    ///
    /// # Errors
    ///
    /// `EHOSTUNREACH` if there is no such remote, `EAGAIN` after the send timeout.
    pub fn send_to(&self, body: &[u8], routing_id: u32) -> Result<(), Error> {
        let mut message = Message::copied_from(body)?;
        message.set_routing_id(routing_id)?;
        self.send_message(&mut message)
    }

    /// Sends a copy of `body` to one remote of a SERVER or PEER if its queue is not full.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] if it is full, `EHOSTUNREACH` if there is no such remote.
    pub fn try_send_to(&self, body: &[u8], routing_id: u32) -> Result<(), TryError> {
        let mut message = Message::copied_from(body)?;
        message.set_routing_id(routing_id)?;
        Ok(self.submit(&mut message, ffi::ZMQ_DONTWAIT)?)
    }

    /// Sends `message`, waiting for queue capacity, and replaces it with an empty message.
    ///
    /// # Errors
    ///
    /// As `send` and `send_to`. The message remains.
    pub fn send_message(&self, message: &mut Message) -> Result<(), Error> {
        self.submit(message, 0)
    }

    /// Receives a message, waiting for one.
    ///
    /// # Errors
    ///
    /// `EAGAIN` after the receive timeout.
    pub fn recv(&self) -> Result<Received, Error> {
        let mut message = Message::new()?;
        self.recv_message(&mut message)?;
        Ok(Received::from(message))
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] otherwise.
    pub fn try_recv(&self) -> Result<Received, TryError> {
        let mut message = Message::new()?;
        self.try_recv_message(&mut message)?;
        Ok(Received::from(message))
    }

    /// Receives a message into `message`, waiting for one.
    ///
    /// # Errors
    ///
    /// As `recv`.
    pub fn recv_message(&self, message: &mut Message) -> Result<(), Error> {
        self.fetch(message, 0)
    }

    /// Receives a message into `message` if there is one.
    ///
    /// # Errors
    ///
    /// As `try_recv`.
    pub fn try_recv_message(&self, message: &mut Message) -> Result<(), TryError> {
        Ok(self.fetch(message, ffi::ZMQ_DONTWAIT)?)
    }

    /// Receives all parts of a message, waiting for one.
    ///
    /// # Errors
    ///
    /// As `recv`.
    pub(crate) fn recv_parts(&self) -> Result<Vec<Vec<u8>>, Error> {
        self.fetch_parts(0)
    }

    /// Receives all parts of a message if there is one.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] otherwise.
    pub fn try_recv_parts(&self) -> Result<Vec<Vec<u8>>, TryError> {
        Ok(self.fetch_parts(ffi::ZMQ_DONTWAIT)?)
    }

    /// Sends a multipart message.
    ///
    /// # Errors
    ///
    /// `EAGAIN` after the send timeout.
    pub(crate) fn send_parts(&self, parts: &[&[u8]]) -> Result<(), Error> {
        self.submit_parts(parts, 0)
    }

    /// Sends a multipart message if the queue is not full. Its first part decides this.
    ///
    /// # Errors
    ///
    /// [`TryError::WouldBlock`] otherwise.
    pub fn try_send_parts(&self, parts: &[impl AsRef<[u8]>]) -> Result<(), TryError> {
        Ok(self.submit_parts(parts, ffi::ZMQ_DONTWAIT)?)
    }

    pub(crate) fn watch(&self, endpoint: Option<&str>) -> Result<(), Error> {
        let endpoint = endpoint.map(endpoint_to_c).transpose()?;
        let _guard = self.exclusive_access();
        // SAFETY: the endpoint is NUL-terminated, or null, which ends the monitor.
        let result = unsafe {
            ffi::zmq_socket_monitor(
                self.as_ptr(),
                endpoint.as_ref().map_or(ptr::null(), |endpoint| endpoint.as_ptr()),
                ffi::ZMQ_EVENT_ALL,
            )
        };
        if result == 0 { Ok(()) } else { Err(Error::last()) }
    }

    /// Forwards messages from this socket to `backend` and back until the context is shut down.
    pub(crate) fn forward(&self, backend: &Self) {
        let _guards = [self.exclusive_access(), backend.exclusive_access()];
        // SAFETY: both sockets live, and are used by this thread alone. There is no capture.
        unsafe { ffi::zmq_proxy(self.as_ptr(), backend.as_ptr(), ptr::null_mut()) };
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0.context
    }

    fn set_raw(&self, option: c_int, value: &[u8]) -> Result<(), Error> {
        let _guard = self.exclusive_access();
        // SAFETY: `value` is valid for reading `value.len()` bytes, which libzmq copies.
        let result = unsafe {
            ffi::zmq_setsockopt(self.as_ptr(), option, value.as_ptr().cast::<c_void>(), value.len())
        };
        if result == 0 { Ok(()) } else { Err(Error::last()) }
    }

    fn submit(&self, message: &mut Message, flags: c_int) -> Result<(), Error> {
        let _guard = self.exclusive_access();
        // SAFETY: the access is exclusive.
        unsafe { self.submit_unlocked(message, flags) }
    }

    /// # Safety
    ///
    /// No other thread uses a socket that is not thread-safe.
    pub(crate) unsafe fn submit_unlocked(
        &self,
        message: &mut Message,
        flags: c_int,
    ) -> Result<(), Error> {
        // SAFETY: the message is initialized, and libzmq leaves it initialized either way.
        until_not_interrupted(|| unsafe {
            ffi::zmq_msg_send(message.as_mut_ptr(), self.as_ptr(), flags)
        })
    }

    fn submit_parts(&self, parts: &[impl AsRef<[u8]>], flags: c_int) -> Result<(), Error> {
        for (at, part) in parts.iter().enumerate() {
            let more = if at + 1 < parts.len() { ffi::ZMQ_SNDMORE } else { 0 };
            self.submit(&mut Message::copied_from(part.as_ref())?, flags | more)?;
        }
        Ok(())
    }

    fn fetch_parts(&self, flags: c_int) -> Result<Vec<Vec<u8>>, Error> {
        let mut parts = Vec::new();
        loop {
            let mut part = Message::new()?;
            self.fetch(&mut part, flags)?;
            parts.push(part.body().to_vec());
            if !part.has_more() {
                return Ok(parts);
            }
        }
    }

    fn fetch(&self, message: &mut Message, flags: c_int) -> Result<(), Error> {
        let _guard = self.exclusive_access();
        // SAFETY: the access is exclusive.
        unsafe { self.fetch_unlocked(message, flags) }
    }

    /// # Safety
    ///
    /// As `submit_unlocked`.
    pub(crate) unsafe fn fetch_unlocked(
        &self,
        message: &mut Message,
        flags: c_int,
    ) -> Result<(), Error> {
        // SAFETY: as in `submit_unlocked`.
        until_not_interrupted(|| unsafe {
            ffi::zmq_msg_recv(message.as_mut_ptr(), self.as_ptr(), flags)
        })
    }

    fn with_endpoint(
        &self,
        endpoint: &str,
        function: unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int,
    ) -> Result<(), Error> {
        let endpoint = endpoint_to_c(endpoint)?;
        let _guard = self.exclusive_access();
        // SAFETY: all callers pass a function that reads a NUL-terminated endpoint.
        match unsafe { function(self.as_ptr(), endpoint.as_ptr()) } {
            0 => Ok(()),
            _ => Err(Error::last()),
        }
    }

    /// Excludes other threads from a socket that is not thread-safe.
    fn exclusive_access(&self) -> Option<MutexGuard<'_, ()>> {
        let lock = self.0.one_at_a_time.as_ref()?;
        Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn is_only_handle(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.0.raw.as_ptr()
    }
}

#[derive(Debug)]
struct Inner {
    raw: NonNull<c_void>,
    /// Held around every use of a socket that is not thread-safe.
    one_at_a_time: Option<Mutex<()>>,
    /// Terminates after this socket has been closed.
    context: Context,
}

// SAFETY: libzmq allows sockets to migrate between threads across a full memory barrier.
unsafe impl Send for Inner {}
// SAFETY: a socket is thread-safe (zmq_socket(3): CLIENT, DISH, GATHER, PEER, RADIO, SCATTER,
// SERVER), or every use holds `one_at_a_time`, whose lock is such a barrier.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: this is the last handle, so no thread is inside a function of this socket.
        unsafe { ffi::zmq_close(self.raw.as_ptr()) };
    }
}

/// A received message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The body.
    pub body: Vec<u8>,
    /// The routing id of the sender; zero on sockets other than SERVER and PEER.
    pub routing_id: u32,
}

impl From<Message> for Received {
    fn from(mut message: Message) -> Self {
        let routing_id = message.routing_id();
        Self { body: message.body().to_vec(), routing_id }
    }
}

pub(crate) fn until_not_interrupted(mut function: impl FnMut() -> c_int) -> Result<(), Error> {
    loop {
        if function() >= 0 {
            return Ok(());
        }
        let error = Error::last();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn endpoint_to_c(endpoint: &str) -> Result<CString, Error> {
    const EINVAL: c_int = 22;
    CString::new(endpoint).map_err(|_| Error::from_errno(EINVAL))
}
