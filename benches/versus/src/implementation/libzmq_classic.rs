//! libzmq 4.3.5: PUSH and PULL, DEALER and ROUTER, REQ and REP, used as by its own tools.
//!
//! These sockets are not thread-safe. Each is used by one thread, without a lock.

use std::marker::PhantomData;

use interop::{ExclusiveSocket, Message, Socket, SocketType, TryError};

use crate::Failure;
use crate::implementation::libzmq::CONTEXT;
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

/// PUSH and PULL, with messages of one or more parts.
#[derive(Debug)]
pub(crate) struct LibzmqPush<const PARTS: usize = 1>;

impl<const PARTS: usize> OneWay for LibzmqPush<PARTS> {
    const BLOCKS: bool = true;

    type Sender = Pushing<PARTS>;
    type Receiver = Pulling<PARTS>;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling<PARTS>, Failure> {
        let socket = bind(SocketType::Pull, place, announce)?;
        Ok(Pulling { socket, received: Message::new()?, size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing<PARTS>, Failure> {
        Ok(Pushing { socket: connect(SocketType::Push, endpoint)?, size })
    }
}

/// A PUSH.
#[derive(Debug)]
pub(crate) struct Pushing<const PARTS: usize> {
    socket: ExclusiveSocket,
    size: usize,
}

impl<const PARTS: usize> Sender for Pushing<PARTS> {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            for part in 1..=PARTS {
                self.socket.send_part(&mut Message::zeroed(self.size)?, part < PARTS)?;
            }
        }
        Ok(())
    }
}

/// A PULL.
#[derive(Debug)]
pub(crate) struct Pulling<const PARTS: usize> {
    socket: ExclusiveSocket,
    received: Message,
    size: usize,
}

impl<const PARTS: usize> Receiver for Pulling<PARTS> {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            for part in 1..=PARTS {
                self.socket.recv_part(&mut self.received)?;
                expect_size(self.received.body().len(), self.size)?;
                if self.received.has_more() != (part < PARTS) {
                    return Err(format!("the message does not have {PARTS} parts").into());
                }
            }
        }
        Ok(())
    }
}

/// A pair of types for requests and replies.
pub(crate) trait Pattern {
    const CLIENT: SocketType;
    const SERVER: SocketType;
}

/// DEALER and ROUTER.
#[derive(Debug)]
pub(crate) struct DealerRouter;

impl Pattern for DealerRouter {
    const CLIENT: SocketType = SocketType::Dealer;
    const SERVER: SocketType = SocketType::Router;
}

/// REQ and REP.
#[derive(Debug)]
pub(crate) struct ReqRep;

impl Pattern for ReqRep {
    const CLIENT: SocketType = SocketType::Req;
    const SERVER: SocketType = SocketType::Rep;
}

/// The types of a pattern.
#[derive(Debug)]
pub(crate) struct LibzmqRequests<P>(PhantomData<P>);

impl<P: Pattern> Messaging for LibzmqRequests<P> {
    type Client = Requesting;
    type Server = Replying;

    async fn server(place: &Place, announce: Announce) -> Result<Replying, Failure> {
        Ok(Replying { socket: bind(P::SERVER, place, announce)?, part: Message::new()? })
    }

    async fn client(endpoint: &str, size: usize) -> Result<Requesting, Failure> {
        let socket = connect(P::CLIENT, endpoint)?;
        Ok(Requesting { socket, received: Message::new()?, size })
    }
}

/// A DEALER or a REQ.
#[derive(Debug)]
pub(crate) struct Requesting {
    socket: ExclusiveSocket,
    received: Message,
    size: usize,
}

impl Client for Requesting {
    async fn send(&mut self) -> Result<(), Failure> {
        Ok(self.socket.send_part(&mut Message::zeroed(self.size)?, false)?)
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        self.socket.recv_part(&mut self.received)?;
        expect_size(self.received.body().len(), self.size)
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        match self.socket.try_recv_part(&mut self.received) {
            Ok(()) => expect_size(self.received.body().len(), self.size).map(|()| true),
            Err(TryError::WouldBlock) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A ROUTER or a REP.
#[derive(Debug)]
pub(crate) struct Replying {
    socket: ExclusiveSocket,
    part: Message,
}

impl Server for Replying {
    /// Returns each part as it is received; the first part of a ROUTER is the identity.
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            self.socket.recv_part(&mut self.part)?;
            let more = self.part.has_more();
            self.socket.send_part(&mut self.part, more)?;
        }
    }
}

fn bind(
    socket_type: SocketType,
    place: &Place,
    announce: Announce,
) -> Result<ExclusiveSocket, Failure> {
    let socket = Socket::new(&CONTEXT, socket_type)?;
    socket.bind(&place.endpoint())?;
    announce.endpoint(&socket.last_endpoint()?);
    exclusive(socket)
}

fn connect(socket_type: SocketType, endpoint: &str) -> Result<ExclusiveSocket, Failure> {
    let socket = Socket::new(&CONTEXT, socket_type)?;
    socket.connect(endpoint)?;
    exclusive(socket)
}

/// Takes the only handle of a socket.
pub(super) fn exclusive(socket: Socket) -> Result<ExclusiveSocket, Failure> {
    ExclusiveSocket::new(socket).map_err(|_| "the socket has other handles".into())
}
