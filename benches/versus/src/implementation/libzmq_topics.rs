//! libzmq 4.3.5: PUB and SUB, with default options, one I/O thread and blocking calls.
//!
//! These sockets are not thread-safe. Each is used by one thread, without a lock.

use std::future;

use interop::{
    BytesOption, ExclusiveSocket, Message, Proxy, Socket, SocketOption, SocketType, TryError,
};

use crate::Failure;
use crate::implementation::libzmq::CONTEXT;
use crate::implementation::libzmq_classic::exclusive;
use crate::implementation::libzmq_groups::attach;
use crate::implementation::{End, FanOut, GROUP, Mark, Place, Publisher, Subscriber, topics};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct LibzmqTopics;

impl FanOut for LibzmqTopics {
    const BLOCKS: bool = true;

    type Publisher = Sending;
    type Subscriber = Receiving;

    async fn publisher(place: &Place, end: End<'_>) -> Result<Sending, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Pub)?;
        socket.set(SocketOption::XpubNoDrop, place.no_drop.into())?;
        attach(&socket, place, end)?;
        Ok(Sending { socket: exclusive(socket)? })
    }

    async fn subscriber(place: &Place, end: End<'_>) -> Result<Receiving, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Sub)?;
        // Subscriptions are messages, and libzmq drops those above the mark.
        socket.set(SocketOption::SendHwm, 0)?;
        for topic in topics(place) {
            socket.set_bytes(BytesOption::Subscribe, topic.as_bytes())?;
        }
        attach(&socket, place, end)?;
        let socket = exclusive(socket)?;
        Ok(Receiving { socket, received: Message::new()?, size: place.size })
    }

    async fn forward(place: &Place, publisher: &str, announce: Announce) -> Result<(), Failure> {
        let frontend = Socket::new(&CONTEXT, SocketType::XSub)?;
        frontend.connect(publisher)?;
        let backend = Socket::new(&CONTEXT, SocketType::XPub)?;
        backend.set(SocketOption::XpubNoDrop, place.no_drop.into())?;
        attach(&backend, place, End::Bind(announce))?;
        let _proxy = Proxy::start(frontend, backend);
        future::pending().await
    }
}

/// A PUB.
#[derive(Debug)]
pub(crate) struct Sending {
    socket: ExclusiveSocket,
}

impl Publisher for Sending {
    async fn send(&mut self, body: &[u8], count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send_part(&mut Message::copied_from(GROUP.as_bytes())?, true)?;
            self.socket.send_part(&mut Message::copied_from(body)?, false)?;
        }
        Ok(())
    }
}

/// A SUB.
#[derive(Debug)]
pub(crate) struct Receiving {
    socket: ExclusiveSocket,
    received: Message,
    size: usize,
}

impl Receiving {
    /// Receives the body of a message whose topic was received.
    fn body(&mut self) -> Result<Mark, Failure> {
        self.socket.recv_part(&mut self.received)?;
        Mark::of_body(self.received.body(), self.size)
    }
}

impl Subscriber for Receiving {
    async fn recv(&mut self) -> Result<Mark, Failure> {
        self.socket.recv_part(&mut self.received)?;
        self.body()
    }

    fn try_recv(&mut self) -> Result<Option<Mark>, Failure> {
        match self.socket.try_recv_part(&mut self.received) {
            Ok(()) => self.body().map(Some),
            Err(TryError::WouldBlock) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
