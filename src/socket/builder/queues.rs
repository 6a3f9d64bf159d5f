//! Options for queues: their capacity, and how long operations wait.

use std::time::Duration;

use super::Builder;
use crate::socket::{ReceivingSocket, SendingSocket};

/// # Limits of all types
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Server;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder()
///     .linger(Duration::from_secs(5))
///     .max_message_size(1 << 20)
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S> Builder<S> {
    /// Sets how long connections may continue to write queued messages when the socket or one of
    /// its endpoints ends; zero to drop them immediately, `None` for no limit. Default: 30 s.
    /// (libzmq `ZMQ_LINGER`, which by default waits indefinitely.)
    ///
    /// Over `inproc`, a message is written when it is in the queue of the receiver. A receiver at
    /// its high-water mark delays the end by up to this limit.
    pub fn linger(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.linger = limit.into();
        self
    }

    /// Sets the longest message, in bytes, that a remote may send; `None` for any length. A longer
    /// message ends the connection. The parts of a multipart message count together. Default:
    /// `None`. (libzmq `ZMQ_MAXMSGSIZE`, which limits each part.)
    ///
    /// A remote of this crate that dialed sends such a message twice, then drops it and continues
    /// with the next: see [`Dropped::refused`](crate::stats::Dropped::refused). libzmq drops it
    /// after the first attempt.
    pub fn max_message_size(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.options.max_message_size = bytes.into();
        self
    }
}

/// # Received messages
///
/// Every socket type except [`Pub`](crate::Pub), [`Push`](crate::Push), [`Radio`](crate::Radio),
/// [`Req`](crate::Req) and [`Scatter`](crate::Scatter) has these options.
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Gather;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gather = Gather::builder()
///     .recv_hwm(10_000)
///     .recv_hwm_bytes(16 << 20)
///     .recv_timeout(Duration::from_secs(60))
///     .ended_hwm_bytes(256 << 20)
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S: ReceivingSocket> Builder<S> {
    /// Sets how many bytes of unread messages ended remotes may leave before the socket stops
    /// establishing connections; zero for any number. Default: 64 MiB. (libzmq has no such option.)
    ///
    /// While a remote is connected, [`recv_hwm`](Self::recv_hwm) limits its queue. Messages of a
    /// remote that has left can still be received. Without this limit, short-lived remotes could
    /// fill the memory while the application does not receive.
    ///
    /// Nothing is dropped. Above the limit the socket accepts no connections, which wait in the
    /// backlog of the system, and dials no endpoint that had no connection before. It resumes when
    /// the application has received enough to free half of the limit. Established connections are
    /// not affected.
    ///
    /// The limit applies to the memory that the messages keep, as
    /// [`Stats::ended`](crate::stats::Stats::ended) reports it. Connections that were established
    /// before it was reached can leave more.
    pub fn ended_hwm_bytes(mut self, bytes: usize) -> Self {
        self.options.ended_hwm_bytes = bytes;
        self
    }

    /// Sets how many received messages are queued for each remote before the socket stops reading
    /// from it; zero for any number. Default: 1,000. (libzmq `ZMQ_RCVHWM`.)
    ///
    /// A multipart message counts as one.
    pub fn recv_hwm(mut self, messages: usize) -> Self {
        self.options.recv_hwm = messages;
        self
    }

    /// Sets how many bytes received messages may keep in memory for each remote before the socket
    /// stops reading from it; zero for any number. Default: 0. (libzmq has no such option.)
    ///
    /// The limit applies to the memory of the read buffers that queued messages keep. Reading may
    /// stop before the limit is reached, and resumes only when half of it is free. The message that
    /// reaches the limit is queued, regardless of its length:
    /// [`max_message_size`](Self::max_message_size) limits that.
    pub fn recv_hwm_bytes(mut self, bytes: usize) -> Self {
        self.options.recv_hwm_bytes = bytes;
        self
    }

    /// Sets how long `recv`, `recv_from` and `recv_many` wait for a message; `None` to wait
    /// indefinitely, zero not to wait. Default: `None`. (libzmq `ZMQ_RCVTIMEO`.)
    ///
    /// The `Stream` always waits indefinitely.
    pub fn recv_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.recv_timeout = limit.into();
        self
    }
}

/// # Messages to send
///
/// Every socket type except [`Dish`](crate::Dish), [`Gather`](crate::Gather), [`Pull`](crate::Pull)
/// and [`Sub`](crate::Sub) has these options.
///
/// ```
/// use std::time::Duration;
/// use tokio_zmtp::Scatter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let scatter = Scatter::builder()
///     .send_hwm(10)
///     .send_hwm_bytes(16 << 20)
///     .send_timeout(Duration::from_secs(1))
///     .build();
/// # Ok(())
/// # }
/// ```
impl<S: SendingSocket> Builder<S> {
    /// Sets how many messages are queued for each remote before it counts as full; zero for any
    /// number. Default: 1,000. (libzmq `ZMQ_SNDHWM`.)
    ///
    /// A multipart message counts as one. With zero, senders never wait, and only memory limits the
    /// queue.
    pub fn send_hwm(mut self, messages: usize) -> Self {
        self.options.send_hwm = messages;
        self
    }

    /// Sets how many bytes are queued for each remote before it counts as full; zero for any
    /// number. Default: 0. (libzmq has no such option.)
    ///
    /// All parts of a multipart message count. The message that reaches the limit is queued,
    /// regardless of its length. A reserved slot counts no bytes until it is used.
    pub fn send_hwm_bytes(mut self, bytes: usize) -> Self {
        self.options.send_hwm_bytes = bytes;
        self
    }

    /// Sets how long `send`, `route`, `reply`, `reserve` and `reserve_route` wait for room; `None`
    /// to wait indefinitely, zero not to wait. Default: `None`. (libzmq `ZMQ_SNDTIMEO`.)
    ///
    /// A [`Router`](crate::Router) with `None` does not wait (RFC 28). `Duration::MAX` lets it wait
    /// indefinitely.
    ///
    /// The `Sink` of a socket always waits indefinitely. The sink [`Lossy`](crate::Lossy) drops a
    /// message after this time.
    pub fn send_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.options.send_timeout = limit.into();
        self
    }
}
