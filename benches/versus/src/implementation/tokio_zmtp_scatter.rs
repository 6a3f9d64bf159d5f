//! This crate: SCATTER and GATHER, with default options.

use tokio_zmtp::{Gather, InprocEndpoint, Message, Scatter};

use crate::Failure;
use crate::implementation::tokio_zmtp::endpoint;
use crate::implementation::{OneWay, Place, Receiver, Sender, expect_size};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct TokioZmtpScatter;

impl OneWay for TokioZmtpScatter {
    type Sender = Scattering;
    type Receiver = Gathering;

    async fn receiver(place: &Place, announce: Announce) -> Result<Gathering, Failure> {
        let socket = Gather::new();
        announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
        Ok(Gathering { socket, size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Scattering, Failure> {
        let socket = Scatter::new();
        socket.connect(endpoint).await?;
        socket.remotes().connected().await?;
        Ok(Scattering { socket, message: Message::from(vec![7; size]) })
    }
}

impl TokioZmtpScatter {
    /// Creates both ends inside this process.
    pub(crate) async fn inproc(size: usize) -> Result<(Scattering, Gathering), Failure> {
        let endpoint = InprocEndpoint::unique();
        let socket = Gather::builder().bind(endpoint.clone()).await?;
        let gather = Gathering { socket, size };
        let socket = Scatter::builder().connect(endpoint).await?;
        socket.remotes().connected().await?;
        Ok((Scattering { socket, message: Message::from(vec![7; size]) }, gather))
    }
}

/// A SCATTER.
#[derive(Debug)]
pub(crate) struct Scattering {
    socket: Scatter,
    message: Message,
}

impl Sender for Scattering {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send(&self.message).await?;
        }
        Ok(())
    }
}

/// A GATHER.
#[derive(Debug)]
pub(crate) struct Gathering {
    socket: Gather,
    size: usize,
}

impl Receiver for Gathering {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            expect_size(self.socket.recv().await?.len(), self.size)?;
        }
        Ok(())
    }
}
