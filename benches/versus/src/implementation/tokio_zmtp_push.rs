//! This crate: PUSH and PULL, with default options, and with messages of one or more parts.

use tokio_zmtp::{Multipart, Pull, Push};

use crate::Failure;
use crate::implementation::tokio_zmtp::endpoint;
use crate::implementation::{OneWay, Place, Receiver, Sender, expect_size};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct TokioZmtpPush<const PARTS: usize = 1>;

impl<const PARTS: usize> OneWay for TokioZmtpPush<PARTS> {
    type Sender = Pushing<PARTS>;
    type Receiver = Pulling<PARTS>;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling<PARTS>, Failure> {
        let socket = Pull::new();
        announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
        Ok(Pulling { socket, size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing<PARTS>, Failure> {
        let socket = Push::new();
        socket.connect(endpoint).await?;
        socket.remotes().connected().await?;
        Ok(Pushing { socket, message: Multipart::from([(); PARTS].map(|()| vec![7; size])) })
    }
}

/// A PUSH.
#[derive(Debug)]
pub(crate) struct Pushing<const PARTS: usize> {
    socket: Push,
    message: Multipart,
}

impl<const PARTS: usize> Sender for Pushing<PARTS> {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.socket.send(&self.message).await?;
        }
        Ok(())
    }
}

/// A PULL.
#[derive(Debug)]
pub(crate) struct Pulling<const PARTS: usize> {
    socket: Pull,
    size: usize,
}

impl<const PARTS: usize> Receiver for Pulling<PARTS> {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            let message = self.socket.recv().await?;
            expect_size(message.last().len(), self.size)?;
            if PARTS > 1 && message.len() != PARTS {
                return Err(format!("the message does not have {PARTS} parts").into());
            }
        }
        Ok(())
    }
}
