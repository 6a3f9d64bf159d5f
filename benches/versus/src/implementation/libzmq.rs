//! libzmq 4.3.5: CLIENT and SERVER, SCATTER and GATHER, used as by its own tools `local_thr`,
//! `remote_thr`, `local_lat` and `remote_lat`: default options, one I/O thread, blocking calls.
//! CURVE uses libsodium.

use std::sync::LazyLock;

use interop::{BytesOption, Context, Message, Socket, SocketOption, SocketType, TryError};

use crate::Failure;
use crate::implementation::curve::{CLIENT_PUBLIC, CLIENT_SECRET, SERVER_PUBLIC, SERVER_SECRET};
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct Libzmq<const CURVE: bool = false>;

impl<const CURVE: bool> OneWay for Libzmq<CURVE> {
    const BLOCKS: bool = true;

    type Sender = Connected;
    type Receiver = Bound;

    async fn receiver(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Server)?;
        if CURVE {
            socket.set(SocketOption::CurveServer, 1)?;
            socket.set_bytes(BytesOption::CurveSecretKey, SERVER_SECRET.as_bytes())?;
        }
        socket.bind(&place.endpoint())?;
        announce.endpoint(&socket.last_endpoint()?);
        Bound::new(socket, place.size)
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Client)?;
        if CURVE {
            socket.set_bytes(BytesOption::CurveServerKey, SERVER_PUBLIC.as_bytes())?;
            socket.set_bytes(BytesOption::CurvePublicKey, CLIENT_PUBLIC.as_bytes())?;
            socket.set_bytes(BytesOption::CurveSecretKey, CLIENT_SECRET.as_bytes())?;
        }
        socket.connect(endpoint)?;
        Connected::new(socket, size)
    }

    async fn senders(
        endpoint: &str,
        size: usize,
        connections: usize,
    ) -> Result<Vec<Connected>, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Client)?;
        for _ in 0..connections {
            socket.connect(endpoint)?;
        }
        Ok(vec![Connected::new(socket, size)?])
    }
}

impl<const CURVE: bool> Messaging for Libzmq<CURVE> {
    type Client = Connected;
    type Server = Bound;

    async fn server(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        Self::receiver(place, announce).await
    }

    async fn client(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        Self::sender(endpoint, size).await
    }
}

impl Libzmq {
    /// Creates both ends inside this process.
    pub(crate) fn inproc(size: usize) -> Result<(Connected, Bound), Failure> {
        inproc(SocketType::Client, SocketType::Server, size)
    }
}

/// SCATTER and GATHER.
#[derive(Debug)]
pub(crate) struct LibzmqScatter;

impl OneWay for LibzmqScatter {
    const BLOCKS: bool = true;

    type Sender = Connected;
    type Receiver = Bound;

    async fn receiver(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Gather)?;
        socket.bind(&place.endpoint())?;
        announce.endpoint(&socket.last_endpoint()?);
        Bound::new(socket, place.size)
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        let socket = Socket::new(&CONTEXT, SocketType::Scatter)?;
        socket.connect(endpoint)?;
        Connected::new(socket, size)
    }
}

impl LibzmqScatter {
    /// Creates both ends inside this process.
    pub(crate) fn inproc(size: usize) -> Result<(Connected, Bound), Failure> {
        inproc(SocketType::Scatter, SocketType::Gather, size)
    }
}

fn inproc(
    connected: SocketType,
    bound: SocketType,
    size: usize,
) -> Result<(Connected, Bound), Failure> {
    let server = Socket::new(&CONTEXT, bound)?;
    server.bind("inproc://versus")?;
    let client = Socket::new(&CONTEXT, connected)?;
    client.connect("inproc://versus")?;
    Ok((Connected::new(client, size)?, Bound::new(server, size)?))
}

/// A CLIENT or a SCATTER.
#[derive(Debug)]
pub(crate) struct Connected {
    socket: Socket,
    received: Message,
    size: usize,
}

impl Connected {
    fn new(socket: Socket, size: usize) -> Result<Self, Failure> {
        Ok(Self { socket, received: Message::new()?, size })
    }
}

impl Sender for Connected {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send_message(&mut Message::zeroed(self.size)?)?;
        }
        Ok(())
    }
}

impl Client for Connected {
    async fn send(&mut self) -> Result<(), Failure> {
        Ok(self.socket.send_message(&mut Message::zeroed(self.size)?)?)
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        self.socket.recv_message(&mut self.received)?;
        expect_size(self.received.body().len(), self.size)
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        match self.socket.try_recv_message(&mut self.received) {
            Ok(()) => expect_size(self.received.body().len(), self.size).map(|()| true),
            Err(TryError::WouldBlock) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A SERVER or a GATHER.
#[derive(Debug)]
pub(crate) struct Bound {
    socket: Socket,
    received: Message,
    size: usize,
}

impl Bound {
    fn new(socket: Socket, size: usize) -> Result<Self, Failure> {
        Ok(Self { socket, received: Message::new()?, size })
    }
}

impl Receiver for Bound {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.recv_message(&mut self.received)?;
            expect_size(self.received.body().len(), self.size)?;
        }
        Ok(())
    }
}

impl Server for Bound {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            self.socket.recv_message(&mut self.received)?;
            // The message still has the routing id of its sender.
            self.socket.send_message(&mut self.received)?;
        }
    }
}

pub(super) static CONTEXT: LazyLock<Context> =
    LazyLock::new(|| Context::new().expect("the process has file descriptors left"));
