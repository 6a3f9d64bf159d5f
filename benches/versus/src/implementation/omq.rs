//! omq-tokio: CLIENT and SERVER, SCATTER and GATHER, PUSH and PULL, DEALER and ROUTER,
//! REQ and REP, used as by its own `bench_peer_tokio`: on the
//! caller's runtime, with default options, non-blocking calls first, and receiving all available
//! messages before waiting.

use std::time::Duration;

use bytes::Bytes;
use omq_tokio::message::MAX_INLINE_MESSAGE;
use omq_tokio::{Context, Error, Message, Options, Socket, SocketType, TrySendError};

use crate::Failure;
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct Omq;

impl OneWay for Omq {
    type Sender = Connected;
    type Receiver = Bound;

    async fn receiver(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        bind(SocketType::Server, place, announce).await
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        connect(SocketType::Client, endpoint, size, 1).await
    }

    async fn senders(
        endpoint: &str,
        size: usize,
        connections: usize,
    ) -> Result<Vec<Connected>, Failure> {
        Ok(vec![connect(SocketType::Client, endpoint, size, connections).await?])
    }
}

impl Messaging for Omq {
    type Client = Connected;
    type Server = Bound;

    async fn server(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        Self::receiver(place, announce).await
    }

    async fn client(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        Self::sender(endpoint, size).await
    }
}

impl Omq {
    /// Creates both ends inside this process.
    pub(crate) async fn inproc(size: usize) -> Result<(Connected, Bound), Failure> {
        inproc(SocketType::Client, SocketType::Server, size).await
    }
}

/// SCATTER and GATHER.
#[derive(Debug)]
pub(crate) struct OmqScatter;

impl OneWay for OmqScatter {
    type Sender = Connected;
    type Receiver = Bound;

    async fn receiver(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        bind(SocketType::Gather, place, announce).await
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        connect(SocketType::Scatter, endpoint, size, 1).await
    }
}

impl OmqScatter {
    /// Creates both ends inside this process.
    pub(crate) async fn inproc(size: usize) -> Result<(Connected, Bound), Failure> {
        inproc(SocketType::Scatter, SocketType::Gather, size).await
    }
}

/// PUSH and PULL, with messages of one or more parts.
#[derive(Debug)]
pub(crate) struct OmqPush<const PARTS: usize = 1>;

impl<const PARTS: usize> OneWay for OmqPush<PARTS> {
    type Sender = Pushing<PARTS>;
    type Receiver = Pulling<PARTS>;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling<PARTS>, Failure> {
        bind(SocketType::Pull, place, announce).await.map(Pulling)
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing<PARTS>, Failure> {
        connect(SocketType::Push, endpoint, size, 1).await.map(Pushing)
    }
}

/// A PUSH.
#[derive(Debug)]
pub(crate) struct Pushing<const PARTS: usize>(Connected);

impl<const PARTS: usize> Sender for Pushing<PARTS> {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        let Self(connected) = self;
        for _ in 0..count {
            let message = match PARTS {
                1 => connected.message(),
                _ => Message::multipart(std::iter::repeat_n(connected.body.clone(), PARTS)),
            };
            send(&connected.socket, message).await?;
        }
        Ok(())
    }
}

/// A PULL.
#[derive(Debug)]
pub(crate) struct Pulling<const PARTS: usize>(Bound);

impl<const PARTS: usize> Receiver for Pulling<PARTS> {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            expect_size(recv(&self.0.socket).await?.byte_len(), self.0.size * PARTS)?;
        }
        Ok(())
    }
}

/// DEALER and ROUTER.
#[derive(Debug)]
pub(crate) struct OmqDealer;

impl Messaging for OmqDealer {
    type Client = Connected;
    type Server = Bound;

    async fn server(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        bind(SocketType::Router, place, announce).await
    }

    async fn client(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        connect(SocketType::Dealer, endpoint, size, 1).await
    }
}

/// REQ and REP.
#[derive(Debug)]
pub(crate) struct OmqReq;

impl Messaging for OmqReq {
    type Client = Connected;
    type Server = Bound;

    async fn server(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        bind(SocketType::Rep, place, announce).await
    }

    async fn client(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        connect(SocketType::Req, endpoint, size, 1).await
    }
}

pub(super) async fn bind(
    socket_type: SocketType,
    place: &Place,
    announce: Announce,
) -> Result<Bound, Failure> {
    let socket = Context::current().socket(socket_type, Options::default());
    let endpoint = socket.bind(place.endpoint().as_str()).await?;
    announce.endpoint(&endpoint.to_string());
    Ok(Bound { socket, size: place.size })
}

pub(super) async fn connect(
    socket_type: SocketType,
    endpoint: &str,
    size: usize,
    connections: usize,
) -> Result<Connected, Failure> {
    let socket = Context::current().socket(socket_type, Options::default());
    for _ in 0..connections {
        socket.connect(endpoint).await?;
    }
    socket.wait_connected(connections, CONNECT_LIMIT).await?;
    Ok(Connected { socket, body: Bytes::from(vec![7; size]) })
}

async fn inproc(
    connected: SocketType,
    bound: SocketType,
    size: usize,
) -> Result<(Connected, Bound), Failure> {
    let context = Context::current();
    let server = context.socket(bound, Options::default());
    server.bind("inproc://versus").await?;
    let client = context.socket(connected, Options::default());
    client.connect("inproc://versus").await?;
    client.wait_connected(1, CONNECT_LIMIT).await?;
    let client = Connected { socket: client, body: Bytes::from(vec![7; size]) };
    Ok((client, Bound { socket: server, size }))
}

/// A CLIENT or a SCATTER.
#[derive(Debug)]
pub(crate) struct Connected {
    pub(super) socket: Socket,
    body: Bytes,
}

impl Connected {
    /// Creates a message. A short body is copied into it, and a longer one is shared.
    pub(super) fn message(&self) -> Message {
        if self.body.len() <= MAX_INLINE_MESSAGE {
            Message::from_slice(&self.body)
        } else {
            Message::single(self.body.clone())
        }
    }
}

impl Sender for Connected {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            send(&self.socket, self.message()).await?;
        }
        Ok(())
    }
}

impl Client for Connected {
    async fn send(&mut self) -> Result<(), Failure> {
        send(&self.socket, self.message()).await
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        expect_size(self.socket.recv().await?.byte_len(), self.body.len())
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        let Some(message) = try_recv(&self.socket)? else { return Ok(false) };
        expect_size(message.byte_len(), self.body.len()).map(|()| true)
    }
}

/// A SERVER or a GATHER.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(super) socket: Socket,
    pub(super) size: usize,
}

impl Receiver for Bound {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            expect_size(recv(&self.socket).await?.byte_len(), self.size)?;
        }
        Ok(())
    }
}

impl Server for Bound {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let request = recv(&self.socket).await?;
            send(&self.socket, request).await?;
        }
    }
}

pub(super) async fn send(socket: &Socket, message: Message) -> Result<(), Failure> {
    match socket.try_send(message) {
        Ok(()) => Ok(()),
        Err(TrySendError::Full(message)) => Ok(socket.send(message).await?),
        Err(error) => Err(error.to_string().into()),
    }
}

pub(super) async fn recv(socket: &Socket) -> Result<Message, Failure> {
    match try_recv(socket)? {
        Some(message) => {
            // A loop that never waits must not starve the socket's own task.
            tokio::task::coop::consume_budget().await;
            Ok(message)
        }
        None => Ok(socket.recv().await?),
    }
}

pub(super) fn try_recv(socket: &Socket) -> Result<Option<Message>, Failure> {
    match socket.try_recv() {
        Ok(message) => Ok(Some(message)),
        Err(Error::WouldBlock) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
