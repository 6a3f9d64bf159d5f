//! Tokio's bounded channel, the usual choice inside a process.

use tokio::sync::mpsc;
use tokio_zmtp::Message;

use crate::Failure;
use crate::implementation::{Client, Receiver, Sender, Server, expect_size};

/// Channels, which have no endpoints.
#[derive(Debug)]
pub(crate) struct Channel;

impl Channel {
    /// Creates both ends of a channel.
    pub(crate) async fn inproc_one_way(size: usize) -> Result<(Tx, Rx), Failure> {
        let (tx, rx) = mpsc::channel(CAPACITY);
        Ok((Tx { tx, message: Message::from(vec![7; size]) }, Rx { rx, size }))
    }

    /// Creates both ends of two channels, one for each direction.
    pub(crate) async fn inproc_requests(size: usize) -> Result<((Tx, Rx), (Tx, Rx)), Failure> {
        let (requests, received) = Self::inproc_one_way(size).await?;
        let (replies, replied) = Self::inproc_one_way(size).await?;
        Ok(((requests, replied), (replies, received)))
    }
}

/// The sending end.
#[derive(Debug)]
pub(crate) struct Tx {
    tx: mpsc::Sender<Message>,
    message: Message,
}

impl Sender for Tx {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.tx.send(self.message.clone()).await?;
        }
        Ok(())
    }
}

/// The receiving end.
#[derive(Debug)]
pub(crate) struct Rx {
    rx: mpsc::Receiver<Message>,
    size: usize,
}

impl Receiver for Rx {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            let message = self.rx.recv().await.ok_or("the channel is closed")?;
            expect_size(message.len(), self.size)?;
        }
        Ok(())
    }
}

impl Client for (Tx, Rx) {
    async fn send(&mut self) -> Result<(), Failure> {
        Sender::send(&mut self.0, 1).await
    }

    async fn recv(&mut self) -> Result<(), Failure> {
        Receiver::recv(&mut self.1, 1).await
    }
}

impl Server for (Tx, Rx) {
    async fn serve(&mut self) -> Result<(), Failure> {
        loop {
            let request = self.1.rx.recv().await.ok_or("the channel is closed")?;
            self.0.tx.send(request).await?;
        }
    }
}

/// The default high-water mark of a socket.
const CAPACITY: usize = 1_000;
