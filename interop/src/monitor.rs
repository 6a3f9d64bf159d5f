use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, TryError};
use crate::socket::{Received, Socket};
use crate::socket_option::SocketOption;
use crate::socket_type::SocketType;

/// The events of one socket, in the order in which they happened.
///
/// The socket lives at least as long as its monitor. Read all events: libzmq's I/O thread blocks
/// when a thousand events wait here and a thousand more in the socket.
#[derive(Debug)]
pub struct Monitor {
    events: Socket,
    watched: Socket,
}

impl Socket {
    /// Starts to report the events of this socket's connections.
    ///
    /// A socket has one monitor: a second call ends the first monitor.
    ///
    /// # Errors
    ///
    /// Fails if the context has too many sockets.
    pub fn monitor(&self) -> Result<Monitor, Error> {
        Monitor::new(self)
    }
}

impl Monitor {
    fn new(watched: &Socket) -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let endpoint = format!("inproc://monitor-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        watched.watch(Some(&endpoint))?;
        let events = Socket::new(watched.context(), SocketType::Pair)?;
        events.connect(&endpoint)?;
        Ok(Self { events, watched: watched.clone() })
    }

    /// Returns the next event if there is one.
    ///
    /// # Errors
    ///
    /// libzmq documents no errors.
    pub fn try_next(&self) -> Result<Option<Event>, Error> {
        let head = match self.events.try_recv() {
            Ok(head) => head,
            Err(TryError::WouldBlock) => return Ok(None),
            Err(TryError::Failed(error)) => return Err(error),
        };
        self.rest_of(&head).map(Some)
    }

    /// Returns the next event, waiting for it at most `timeout`.
    ///
    /// # Errors
    ///
    /// libzmq documents no errors.
    pub fn next_within(&self, timeout: Duration) -> Result<Option<Event>, Error> {
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        self.events.set(SocketOption::RecvTimeout, timeout)?;
        let head = match self.events.recv() {
            Ok(head) => head,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        self.rest_of(&head).map(Some)
    }

    /// Receives the second part of an event. libzmq makes all parts available together.
    fn rest_of(&self, head: &Received) -> Result<Event, Error> {
        let &[c0, c1, v0, v1, v2, v3] = head.body.as_slice() else {
            unreachable!("an event is a u16 and a u32, not {:?}", head.body);
        };
        let endpoint = self.events.recv()?.body;
        Ok(Event {
            kind: EventKind::from(u16::from_ne_bytes([c0, c1])),
            value: u32::from_ne_bytes([v0, v1, v2, v3]),
            endpoint: String::from_utf8_lossy(&endpoint).into_owned(),
        })
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // Otherwise libzmq's I/O thread would wait indefinitely to send the next event.
        drop(self.watched.watch(None));
    }
}

/// An event of a connection of a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The kind of the event.
    pub kind: EventKind,
    /// A file descriptor, an errno, an interval or another detail, depending on the kind.
    pub value: u32,
    /// The endpoint of the connection.
    pub endpoint: String,
}

/// The kinds of event, in the order of `zmq.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "zmq_socket_monitor(3) documents them")]
pub enum EventKind {
    Connected,
    ConnectDelayed,
    ConnectRetried,
    Listening,
    BindFailed,
    Accepted,
    AcceptFailed,
    Closed,
    CloseFailed,
    Disconnected,
    MonitorStopped,
    HandshakeFailedNoDetail,
    HandshakeSucceeded,
    HandshakeFailedProtocol,
    HandshakeFailedAuth,
    Unknown(u16),
}

impl EventKind {
    /// Returns whether a handshake ended without a connection.
    pub fn is_handshake_failure(self) -> bool {
        matches!(
            self,
            Self::HandshakeFailedNoDetail
                | Self::HandshakeFailedProtocol
                | Self::HandshakeFailedAuth
        )
    }
}

impl From<u16> for EventKind {
    fn from(code: u16) -> Self {
        match code {
            0x0001 => Self::Connected,
            0x0002 => Self::ConnectDelayed,
            0x0004 => Self::ConnectRetried,
            0x0008 => Self::Listening,
            0x0010 => Self::BindFailed,
            0x0020 => Self::Accepted,
            0x0040 => Self::AcceptFailed,
            0x0080 => Self::Closed,
            0x0100 => Self::CloseFailed,
            0x0200 => Self::Disconnected,
            0x0400 => Self::MonitorStopped,
            0x0800 => Self::HandshakeFailedNoDetail,
            0x1000 => Self::HandshakeSucceeded,
            0x2000 => Self::HandshakeFailedProtocol,
            0x4000 => Self::HandshakeFailedAuth,
            _ => Self::Unknown(code),
        }
    }
}
