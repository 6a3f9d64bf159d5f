//! The whole path of a message between two handles, except the operating system.

use std::fmt;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{DuplexStream, duplex};
use tokio::runtime::{self, Runtime};
use tokio::task;
use zmtp_proto::handshake::HandshakeConfig;
use zmtp_proto::mechanism::HandshakeMechanism;
use zmtp_proto::metadata::Metadata;
use zmtp_proto::socket_type::SocketType;

use super::Round;
use super::strategies::{UNLIMITED, arbitrary_remote};
use crate::connection::{Connection, Deadline, establish};
use crate::message::{AnyMessage, Message, Multipart};
use crate::monitor::EventSource;
use crate::options::Options;
use crate::routing::{EndpointId, FairQueue, Losses, Outgoing, OutgoingPipes, RoundRobin, Routing};
use crate::sync::{Lock, Wakes};

/// Sends messages, which two connections encode, write, read and decode, and receives them.
///
/// The connections share a stream in memory and run on one thread, so that every round takes the
/// same steps.
pub struct Connected {
    runtime: Runtime,
    outgoing: Arc<Lock<OutgoingPipes<RoundRobin>>>,
    incoming: Arc<Lock<FairQueue>>,
    body: Bytes,
    messages: usize,
}

impl Connected {
    /// Creates rounds of this number of messages, each of `size` bytes.
    ///
    /// # Panics
    ///
    /// Panics if the runtime cannot be created.
    pub fn new(size: usize, messages: usize) -> Self {
        let body = vec![0x55; size].into();
        Self::between(SocketType::Client, SocketType::Server, body, messages)
    }

    /// Does the same for messages of any number of parts, each of which has one.
    ///
    /// # Panics
    ///
    /// Panics if the runtime cannot be created.
    pub fn multipart(size: usize, messages: usize) -> Self {
        let frames = Multipart::from(vec![0x55; size]).into_queue().into_bytes();
        Self::between(SocketType::Push, SocketType::Pull, frames, messages)
    }

    fn between(near_type: SocketType, far_type: SocketType, body: Bytes, messages: usize) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime of one thread can be created");
        let (near, far) = duplex(STREAM);
        let outgoing = connect(&runtime, near, near_type).0;
        let incoming = connect(&runtime, far, far_type).1;
        Self { runtime, outgoing, incoming, body, messages }
    }

    fn send(&self, message: Message) {
        let message = &mut Some(message);
        let sent = self.outgoing.with(|outgoing, wakes| outgoing.try_send(&(), message, wakes));
        assert!(sent.is_ok());
    }

    /// Takes a message in the way of a socket.
    fn try_recv(&self) -> Option<Message> {
        let mut incoming = self.incoming.lock();
        match incoming.take_unmoved() {
            Some(message) => Some(message.into()),
            None => incoming.pop(&mut Wakes::None).ok().flatten(),
        }
    }
}

impl Round for Connected {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        self.runtime.block_on(async {
            for _ in 0..self.messages {
                self.send(Message::from(self.body.clone()));
            }
            let mut received = 0;
            while received < self.messages {
                task::yield_now().await;
                while let Some(message) = self.try_recv() {
                    black_box(&message);
                    received += 1;
                }
            }
        });
    }
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected").field("messages", &self.messages).finish_non_exhaustive()
    }
}

/// Spawns a connection, and returns the queues of its socket in both directions.
fn connect(
    runtime: &Runtime,
    stream: DuplexStream,
    socket_type: SocketType,
) -> (Arc<Lock<OutgoingPipes<RoundRobin>>>, Arc<Lock<FairQueue>>) {
    let outgoing = Arc::new(Lock::new(OutgoingPipes::new(RoundRobin::default(), UNLIMITED)));
    let incoming = Arc::new(Lock::new(FairQueue::new(UNLIMITED, 0)));
    let routing = Routing {
        outgoing: Arc::clone(&outgoing) as Arc<Lock<dyn Outgoing>>,
        incoming: Arc::clone(&incoming),
        losses: Arc::new(Losses::new(Arc::default())),
        ends: Arc::default(),
        takes_replies: false,
        notifies: false,
        subscription_events: None,
        returned: Arc::default(),
    };
    let remote = arbitrary_remote();
    let attachment = routing.attach(EndpointId(0), EventSource::from(&remote));
    let mut attachment = attachment.expect("the socket is not closed");
    let config = HandshakeConfig { socket_type, metadata: Metadata::default() };
    runtime.spawn(async move {
        let limits = Options::default().message_limits();
        let deadline = Deadline::after(None);
        let ((framed, _), ()) =
            establish(stream, config, HandshakeMechanism::Null, deadline, limits, None, |_| Ok(()))
                .await
                .expect("the sockets are compatible");
        Connection::new(framed, WRITE_SIZE, &mut attachment, remote, &Options::default())
            .run()
            .await
    });
    (outgoing, incoming)
}

/// The capacity of the stream, which is similar to that of a socket of the operating system.
const STREAM: usize = 0x4_0000;

/// The size of a write over TCP.
const WRITE_SIZE: usize = 0xF000;
