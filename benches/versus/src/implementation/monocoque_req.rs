//! monocoque on Tokio: REQ and REP, with a reused buffer for received messages.

use bytes::Bytes;
use monocoque::rt::{TcpListener, TcpStream};
use monocoque::zmq::{RepSocket, ReqSocket};

use crate::Failure;
use crate::implementation::monocoque::check;
use crate::implementation::{Client, Messaging, Place, Server};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct MonocoqueReq;

impl Messaging for MonocoqueReq {
    type Client = Requesting;
    type Server = Replying;

    async fn server(_place: &Place, announce: Announce) -> Result<Replying, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        announce.endpoint(&format!("tcp://{}", listener.local_addr()?));
        let socket = RepSocket::from_tcp(listener.accept().await?.0).await?;
        Ok(Replying { socket, message: Vec::new() })
    }

    async fn client(endpoint: &str, size: usize) -> Result<Requesting, Failure> {
        let address = endpoint.strip_prefix("tcp://").ok_or("only tcp is measured")?;
        let socket = ReqSocket::from_tcp(TcpStream::connect(address).await?).await?;
        Ok(Requesting { socket, message: Vec::new(), body: Bytes::from(vec![7; size]) })
    }
}

/// A REQ.
pub(crate) struct Requesting {
    socket: ReqSocket<TcpStream>,
    message: Vec<Bytes>,
    body: Bytes,
}

impl Client for Requesting {
    async fn send(&mut self) -> Result<(), Failure> {
        Ok(self.socket.send_one(self.body.clone()).await?)
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        let open = self.socket.recv_into(&mut self.message).await?;
        check(open, &self.message, self.body.len())
    }
}

/// A REP.
pub(crate) struct Replying {
    socket: RepSocket<TcpStream>,
    message: Vec<Bytes>,
}

impl Server for Replying {
    async fn serve(&mut self) -> Result<(), Failure> {
        while self.socket.recv_into(&mut self.message).await? {
            self.socket.send(std::mem::take(&mut self.message)).await?;
        }
        Err("the connection has ended".into())
    }
}
