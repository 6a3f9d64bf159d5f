//! monocoque: stamped requests from a DEALER to a ROUTER over tcp, with its methods for batches.

use bytes::Bytes;
use monocoque::rt::TcpStream;
use monocoque::zmq::DealerSocket;

use crate::Failure;
use crate::implementation::monocoque::{KEPT_MAX, Monocoque};
use crate::implementation::stamped::{Stamp, Stamped, StampedClient};
use crate::ticks::Ticks;

impl Stamped for Monocoque {
    type Client = Asking;

    async fn client(endpoint: &str, connections: usize) -> Result<Asking, Failure> {
        if connections > 1 {
            return Err("a DEALER of monocoque has one connection".into());
        }
        let address = endpoint.strip_prefix("tcp://").ok_or("the transport is not tcp")?;
        let socket = DealerSocket::from_tcp(TcpStream::connect(address).await?).await?;
        Ok(Asking { socket, message: Vec::new(), stored: 0 })
    }
}

/// A DEALER.
pub(crate) struct Asking {
    socket: DealerSocket<TcpStream>,
    message: Vec<Bytes>,
    /// The number of messages since the last flush.
    stored: usize,
}

impl StampedClient for Asking {
    async fn send(&mut self, stamp: Stamp) -> Result<(), Failure> {
        self.socket.send_buffered(vec![Bytes::copy_from_slice(&stamp.to_body())])?;
        self.stored += 1;
        if self.stored == KEPT_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        self.stored = 0;
        Ok(self.socket.flush().await?)
    }

    fn try_recv(&mut self) -> Result<Option<Stamp>, Failure> {
        match self.socket.try_recv_into(&mut self.message)? {
            true => read(&self.message).map(Some),
            false => Ok(None),
        }
    }

    /// Between its reads, `recv_into` keeps everything in the socket, so that it can be canceled.
    async fn recv_or(&mut self, ticks: &mut Ticks) -> Result<Option<Stamp>, Failure> {
        tokio::select! {
            biased;
            open = self.socket.recv_into(&mut self.message) => match open? {
                true => read(&self.message).map(Some),
                false => Err("the connection has ended".into()),
            },
            ticked = ticks.next() => ticked.map(|()| None),
        }
    }
}

fn read(message: &[Bytes]) -> Result<Stamp, Failure> {
    Stamp::of_body(message.last().map_or(&[], |body| body))
}
