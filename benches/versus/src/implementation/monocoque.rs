//! monocoque on Tokio, used as by its own benchmarks: PUSH and PULL with write coalescing, DEALER
//! and ROUTER with methods for batches, and a reused buffer for received messages. A socket with
//! several connections is a `PullFanIn`.
//!
//! It runs on one thread in every runtime.

use bytes::Bytes;
use monocoque::rt::{TcpListener, TcpStream, UnixListener, UnixStream};
use monocoque::zmq::{
    DealerSocket, PullFanIn, PullSocket, PushSocket, RouterSocket, SocketOptions,
};

use crate::Failure;
use crate::case::Transport;
use crate::implementation::{
    Client, Messaging, OneWay, Place, Receiver, Sender, Server, expect_size,
};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct Monocoque;

impl OneWay for Monocoque {
    type Sender = Pushing;
    type Receiver = Pulling;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling, Failure> {
        let socket = if place.connections > 1 {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            announce.endpoint(&format!("tcp://{}", listener.local_addr()?));
            let options = SocketOptions::default();
            Pull::Many(PullFanIn::accept_workers(&listener, place.connections, options).await?)
        } else {
            match accept(place, announce).await? {
                Stream::Tcp(stream) => Pull::Tcp(PullSocket::from_tcp(stream).await?),
                Stream::Ipc(stream) => Pull::Ipc(PullSocket::from_unix_stream(stream).await?),
            }
        };
        Ok(Pulling { socket, message: Vec::new(), size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing, Failure> {
        let options = SocketOptions::default().with_write_coalescing(true);
        let socket = match connect(endpoint).await? {
            Stream::Tcp(stream) => {
                Push::Tcp(PushSocket::from_tcp_with_options(stream, options).await?)
            }
            Stream::Ipc(stream) => {
                Push::Ipc(PushSocket::from_unix_stream_with_options(stream, options).await?)
            }
        };
        Ok(Pushing { socket, body: Bytes::from(vec![7; size]) })
    }
}

impl Messaging for Monocoque {
    type Client = Dealing;
    type Server = Routing;

    async fn server(place: &Place, announce: Announce) -> Result<Routing, Failure> {
        let socket = match accept(place, announce).await? {
            Stream::Tcp(stream) => Router::Tcp(RouterSocket::from_tcp(stream).await?),
            Stream::Ipc(stream) => Router::Ipc(RouterSocket::from_unix_stream(stream).await?),
        };
        Ok(Routing { socket, message: Vec::new() })
    }

    async fn client(endpoint: &str, size: usize) -> Result<Dealing, Failure> {
        let socket = match connect(endpoint).await? {
            Stream::Tcp(stream) => Dealer::Tcp(DealerSocket::from_tcp(stream).await?),
            Stream::Ipc(stream) => Dealer::Ipc(DealerSocket::from_unix_stream(stream).await?),
        };
        Ok(Dealing { socket, message: Vec::new(), body: Bytes::from(vec![7; size]) })
    }
}

/// PUSH and PULL, with messages of several parts.
#[derive(Debug)]
pub(crate) struct MonocoqueParts<const PARTS: usize>;

impl<const PARTS: usize> OneWay for MonocoqueParts<PARTS> {
    type Sender = PushingParts<PARTS>;
    type Receiver = PullingParts<PARTS>;

    async fn receiver(place: &Place, announce: Announce) -> Result<PullingParts<PARTS>, Failure> {
        Monocoque::receiver(place, announce).await.map(PullingParts)
    }

    async fn sender(endpoint: &str, size: usize) -> Result<PushingParts<PARTS>, Failure> {
        Monocoque::sender(endpoint, size).await.map(PushingParts)
    }
}

/// A PUSH of messages of several parts.
pub(crate) struct PushingParts<const PARTS: usize>(Pushing);

impl<const PARTS: usize> Sender for PushingParts<PARTS> {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        let Self(Pushing { socket, body }) = self;
        for _ in 0..count {
            let message = vec![body.clone(); PARTS];
            match socket {
                Push::Tcp(socket) => socket.send(message).await?,
                Push::Ipc(socket) => socket.send(message).await?,
            }
        }
        match socket {
            Push::Tcp(socket) => socket.flush().await?,
            Push::Ipc(socket) => socket.flush().await?,
        }
        Ok(())
    }
}

/// A PULL of messages of several parts.
pub(crate) struct PullingParts<const PARTS: usize>(Pulling);

impl<const PARTS: usize> Receiver for PullingParts<PARTS> {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.0.recv(1).await?;
            let parts = self.0.message.len();
            if parts != PARTS {
                return Err(format!("received {parts} parts instead of {PARTS}").into());
            }
        }
        Ok(())
    }
}

/// A PUSH.
pub(crate) struct Pushing {
    socket: Push,
    body: Bytes,
}

enum Push {
    Tcp(PushSocket<TcpStream>),
    Ipc(PushSocket<UnixStream>),
}

impl Sender for Pushing {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            let body = self.body.clone();
            match &mut self.socket {
                Push::Tcp(socket) => socket.send_one(body).await?,
                Push::Ipc(socket) => socket.send_one(body).await?,
            }
        }
        match &mut self.socket {
            Push::Tcp(socket) => socket.flush().await?,
            Push::Ipc(socket) => socket.flush().await?,
        }
        Ok(())
    }
}

/// A PULL.
pub(crate) struct Pulling {
    socket: Pull,
    message: Vec<Bytes>,
    size: usize,
}

enum Pull {
    Tcp(PullSocket<TcpStream>),
    Ipc(PullSocket<UnixStream>),
    Many(PullFanIn),
}

impl Receiver for Pulling {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            let open = match &mut self.socket {
                Pull::Tcp(socket) => socket.recv_into(&mut self.message).await?,
                Pull::Ipc(socket) => socket.recv_into(&mut self.message).await?,
                Pull::Many(socket) => match socket.recv().await? {
                    Some(message) => {
                        self.message = message;
                        true
                    }
                    None => false,
                },
            };
            check(open, &self.message, self.size)?;
        }
        Ok(())
    }
}

/// A DEALER.
pub(crate) struct Dealing {
    socket: Dealer,
    message: Vec<Bytes>,
    body: Bytes,
}

enum Dealer {
    Tcp(DealerSocket<TcpStream>),
    Ipc(DealerSocket<UnixStream>),
}

impl Client for Dealing {
    async fn send(&mut self) -> Result<(), Failure> {
        let message = vec![self.body.clone()];
        match &mut self.socket {
            Dealer::Tcp(socket) => socket.send_buffered(message)?,
            Dealer::Ipc(socket) => socket.send_buffered(message)?,
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.socket {
            Dealer::Tcp(socket) => socket.flush().await?,
            Dealer::Ipc(socket) => socket.flush().await?,
        }
        Ok(())
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        let open = match &mut self.socket {
            Dealer::Tcp(socket) => socket.recv_into(&mut self.message).await?,
            Dealer::Ipc(socket) => socket.recv_into(&mut self.message).await?,
        };
        check(open, &self.message, self.body.len())
    }

    fn try_recv(&mut self) -> Result<bool, Failure> {
        let there = match &mut self.socket {
            Dealer::Tcp(socket) => socket.try_recv_into(&mut self.message)?,
            Dealer::Ipc(socket) => socket.try_recv_into(&mut self.message)?,
        };
        if there {
            check(true, &self.message, self.body.len())?;
        }
        Ok(there)
    }
}

/// A ROUTER.
pub(crate) struct Routing {
    socket: Router,
    message: Vec<Bytes>,
}

enum Router {
    Tcp(RouterSocket<TcpStream>),
    Ipc(RouterSocket<UnixStream>),
}

impl Server for Routing {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let open = match &mut self.socket {
                Router::Tcp(socket) => socket.recv_into(&mut self.message).await?,
                Router::Ipc(socket) => socket.recv_into(&mut self.message).await?,
            };
            if !open {
                return Err("the connection has ended".into());
            }
            let mut kept = 0;
            let mut more = true;
            while more {
                let reply = std::mem::take(&mut self.message);
                more = match &mut self.socket {
                    Router::Tcp(socket) => {
                        socket.send_buffered(reply)?;
                        socket.try_recv_into(&mut self.message)?
                    }
                    Router::Ipc(socket) => {
                        socket.send_buffered(reply)?;
                        socket.try_recv_into(&mut self.message)?
                    }
                };
                kept += 1;
                if kept == KEPT_MAX {
                    self.flush().await?;
                    kept = 0;
                }
            }
            self.flush().await?;
        }
    }
}

impl Routing {
    async fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.socket {
            Router::Tcp(socket) => socket.flush().await?,
            Router::Ipc(socket) => socket.flush().await?,
        }
        Ok(())
    }
}

enum Stream {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

async fn accept(place: &Place, announce: Announce) -> Result<Stream, Failure> {
    if place.transport == Transport::Ipc {
        let listener = UnixListener::bind(&place.path).await?;
        announce.endpoint(&place.endpoint());
        return Ok(Stream::Ipc(listener.accept().await?.0));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce.endpoint(&format!("tcp://{}", listener.local_addr()?));
    Ok(Stream::Tcp(listener.accept().await?.0))
}

async fn connect(endpoint: &str) -> Result<Stream, Failure> {
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        return Ok(Stream::Ipc(UnixStream::connect(path).await?));
    }
    let address = endpoint.strip_prefix("tcp://").ok_or("neither ipc nor tcp")?;
    Ok(Stream::Tcp(TcpStream::connect(address).await?))
}

pub(super) fn check(open: bool, message: &[Bytes], size: usize) -> Result<(), Failure> {
    if !open {
        return Err("the connection has ended".into());
    }
    expect_size(message.last().map_or(0, Bytes::len), size)
}

/// Half of monocoque's high-water mark, above which it refuses messages.
pub(super) const KEPT_MAX: usize = 500;
