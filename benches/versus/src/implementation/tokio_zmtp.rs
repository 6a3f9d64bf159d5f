//! This crate: CLIENT and SERVER, with default options, and with CURVE.

use tokio_zmtp::auth::{CurveKeypair, CurvePublicKey, CurveSecretKey};
use tokio_zmtp::{
    Client as ClientSocket, InprocEndpoint, Mechanism, Message, Server as ServerSocket,
    TryRecvError,
};

use crate::Failure;
use crate::case::Transport;
use crate::implementation::curve::{SERVER_PUBLIC, SERVER_SECRET};
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct TokioZmtp<const CURVE: bool = false>;

impl<const CURVE: bool> OneWay for TokioZmtp<CURVE> {
    type Sender = Connected;
    type Receiver = Bound;

    async fn receiver(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        let mut builder = ServerSocket::builder();
        if CURVE {
            let keypair = CurveKeypair::from(SERVER_SECRET.parse::<CurveSecretKey>()?);
            builder = builder.mechanism(Mechanism::curve_server(keypair));
        }
        let socket = builder.bind(endpoint(place).as_str()).await?;
        announce.endpoint(&socket.last_endpoint().ok_or("the server is not bound")?.to_string());
        Ok(Bound { socket, size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        let mut builder = ClientSocket::builder();
        if CURVE {
            builder = builder.mechanism(Mechanism::curve_client((
                SERVER_PUBLIC.parse::<CurvePublicKey>()?,
                CurveKeypair::generate(),
            )));
        }
        let socket = builder.connect(endpoint).await?;
        socket.remotes().connected().await?;
        Ok(Connected { socket, message: Message::from(vec![7; size]) })
    }

    async fn senders(
        endpoint: &str,
        size: usize,
        connections: usize,
    ) -> Result<Vec<Connected>, Failure> {
        let socket = ClientSocket::builder().immediate(true).build();
        for _ in 0..connections {
            socket.connect(endpoint).await?;
        }
        while socket.remotes().len() < connections {
            tokio::task::yield_now().await;
        }
        Ok(vec![Connected { socket, message: Message::from(vec![7; size]) }])
    }
}

impl<const CURVE: bool> Messaging for TokioZmtp<CURVE> {
    type Client = Connected;
    type Server = Bound;

    async fn server(place: &Place, announce: Announce) -> Result<Bound, Failure> {
        Self::receiver(place, announce).await
    }

    async fn client(endpoint: &str, size: usize) -> Result<Connected, Failure> {
        Self::sender(endpoint, size).await
    }
}

impl TokioZmtp {
    /// Creates both ends inside this process.
    pub(crate) async fn inproc(size: usize) -> Result<(Connected, Bound), Failure> {
        let endpoint = InprocEndpoint::unique();
        let server = ServerSocket::builder().bind(endpoint.clone()).await?;
        let client = ClientSocket::builder().connect(endpoint).await?;
        client.remotes().connected().await?;
        let client = Connected { socket: client, message: Message::from(vec![7; size]) };
        Ok((client, Bound { socket: server, size }))
    }
}

/// Returns the endpoint of a place in the form of this crate.
pub(super) fn endpoint(place: &Place) -> String {
    match place.transport {
        Transport::Tcp => "tcp://127.0.0.1:*".to_owned(),
        Transport::Inproc | Transport::Ipc | Transport::Udp | Transport::Ws => place.endpoint(),
    }
}

/// A client.
#[derive(Debug)]
pub(crate) struct Connected {
    socket: ClientSocket,
    message: Message,
}

impl Sender for Connected {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send(&self.message).await?;
        }
        Ok(())
    }
}

impl Client for Connected {
    async fn send(&mut self) -> Result<(), Failure> {
        Ok(self.socket.send(&self.message).await?)
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        expect_size(self.socket.recv().await?.len(), self.message.len())
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        match self.socket.try_recv() {
            Ok(message) => expect_size(message.len(), self.message.len()).map(|()| true),
            Err(TryRecvError::Empty) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A server.
#[derive(Debug)]
pub(crate) struct Bound {
    socket: ServerSocket,
    size: usize,
}

impl Receiver for Bound {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            expect_size(self.socket.recv().await?.len(), self.size)?;
        }
        Ok(())
    }
}

impl Server for Bound {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let request = self.socket.recv().await?;
            self.socket.reply(&request, &request).await?;
        }
    }
}
