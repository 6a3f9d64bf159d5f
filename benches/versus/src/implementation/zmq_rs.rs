//! zmq.rs: PUSH and PULL, DEALER and ROUTER, with default options. It has no high-water marks.

use bytes::Bytes;
use futures_util::FutureExt;
use zeromq::{
    DealerSocket, PullSocket, PushSocket, RouterSocket, Socket, SocketRecv, SocketSend, ZmqMessage,
};

use crate::Failure;
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct ZmqRs;

impl OneWay for ZmqRs {
    type Sender = Pushing;
    type Receiver = Pulling;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling, Failure> {
        let mut socket = PullSocket::new();
        let endpoint = socket.bind(&place.endpoint()).await?;
        announce.endpoint(&endpoint.to_string());
        Ok(Pulling { socket, size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing, Failure> {
        let mut socket = PushSocket::new();
        socket.connect(endpoint).await?;
        Ok(Pushing { socket, body: Bytes::from(vec![7; size]) })
    }
}

impl Messaging for ZmqRs {
    type Client = Dealing;
    type Server = Routing;

    async fn server(place: &Place, announce: Announce) -> Result<Routing, Failure> {
        let mut socket = RouterSocket::new();
        let endpoint = socket.bind(&place.endpoint()).await?;
        announce.endpoint(&endpoint.to_string());
        Ok(Routing { socket })
    }

    async fn client(endpoint: &str, size: usize) -> Result<Dealing, Failure> {
        let mut socket = DealerSocket::new();
        socket.connect(endpoint).await?;
        Ok(Dealing { socket, body: Bytes::from(vec![7; size]) })
    }
}

/// A PUSH.
pub(crate) struct Pushing {
    socket: PushSocket,
    body: Bytes,
}

impl Sender for Pushing {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send(ZmqMessage::from(self.body.clone())).await?;
        }
        Ok(())
    }
}

/// A PULL.
pub(crate) struct Pulling {
    socket: PullSocket,
    size: usize,
}

impl Receiver for Pulling {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            check(&self.socket.recv().await?, self.size)?;
        }
        Ok(())
    }
}

/// A DEALER.
pub(crate) struct Dealing {
    socket: DealerSocket,
    body: Bytes,
}

impl Client for Dealing {
    async fn send(&mut self) -> Result<(), Failure> {
        Ok(self.socket.send(ZmqMessage::from(self.body.clone())).await?)
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        check(&self.socket.recv().await?, self.body.len())
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        // Receiving is cancel safe here.
        match self.socket.recv().now_or_never() {
            Some(message) => check(&message?, self.body.len()).map(|()| true),
            None => Ok(false),
        }
    }
}

/// A ROUTER.
pub(crate) struct Routing {
    socket: RouterSocket,
}

impl Server for Routing {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let request = self.socket.recv().await?;
            self.socket.send(request).await?;
        }
    }
}

fn check(message: &ZmqMessage, size: usize) -> Result<(), Failure> {
    let body = message.get(message.len() - 1).map_or(0, Bytes::len);
    expect_size(body, size)
}
