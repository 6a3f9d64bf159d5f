//! rzmq without io_uring: PUSH and PULL, DEALER and ROUTER, with default options: high-water marks
//! of 1,000 messages and batches of 128.

use std::sync::LazyLock;

use bytes::Bytes;
use rzmq::socket::options::LAST_ENDPOINT;
use rzmq::{Context, Msg, Socket, SocketType};

use crate::Failure;
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct Rzmq;

impl OneWay for Rzmq {
    type Sender = Connected;
    type Receiver = Bound;

    async fn receiver(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        bind(SocketType::Pull, place, announce).await
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        connect(SocketType::Push, endpoint, size).await
    }
}

impl Messaging for Rzmq {
    type Client = Connected;
    type Server = Bound;

    async fn server(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        bind(SocketType::Router, place, announce).await
    }

    async fn client(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        connect(SocketType::Dealer, endpoint, size).await
    }
}

impl Rzmq {
    /// Creates both ends inside this process.
    pub(crate) async fn inproc_one_way(size: usize) -> Result<(Connected, Bound), Failure> {
        Self::inproc(SocketType::Pull, SocketType::Push, size).await
    }

    /// Creates both ends inside this process, for requests.
    pub(crate) async fn inproc_requests(size: usize) -> Result<(Connected, Bound), Failure> {
        Self::inproc(SocketType::Router, SocketType::Dealer, size).await
    }

    async fn inproc(
        bound: SocketType,
        connected: SocketType,
        size: usize,
    ) -> Result<(Connected, Bound), Failure> {
        let socket = CONTEXT.socket(bound)?;
        socket.bind("inproc://versus").await?;
        Ok((connect(connected, "inproc://versus", size).await?, Bound { socket, size }))
    }
}

/// A PUSH or a DEALER.
pub(crate) struct Connected {
    socket: Socket,
    body: Bytes,
}

impl Connected {
    async fn send_one(&self) -> Result<(), Failure> {
        Ok(self.socket.send(Msg::from_bytes(self.body.clone())).await?)
    }
}

impl Sender for Connected {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.send_one().await?;
        }
        Ok(())
    }
}

impl Client for Connected {
    async fn send(&mut self) -> Result<(), Failure> {
        self.send_one().await
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        expect_size(self.socket.recv().await?.size(), self.body.len())
    }
}

/// A PULL or a ROUTER.
pub(crate) struct Bound {
    socket: Socket,
    size: usize,
}

impl Receiver for Bound {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            expect_size(self.socket.recv().await?.size(), self.size)?;
        }
        Ok(())
    }
}

impl Server for Bound {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let request = self.socket.recv_multipart().await?;
            self.socket.send_multipart(request).await?;
        }
    }
}

async fn bind(kind: SocketType, place: &Place, announce: Announce) -> Result<Bound, Failure> {
    let socket = CONTEXT.socket(kind)?;
    socket.bind(&place.endpoint()).await?;
    announce.endpoint(&String::from_utf8(socket.get_option(LAST_ENDPOINT).await?)?);
    Ok(Bound { socket, size: place.size })
}

async fn connect(kind: SocketType, endpoint: &str, size: usize) -> Result<Connected, Failure> {
    let socket = CONTEXT.socket(kind)?;
    socket.connect(endpoint).await?;
    Ok(Connected { socket, body: Bytes::from(vec![7; size]) })
}

/// Created in the runtime of the first socket.
static CONTEXT: LazyLock<Context> =
    LazyLock::new(|| Context::new().expect("a context can be created"));
