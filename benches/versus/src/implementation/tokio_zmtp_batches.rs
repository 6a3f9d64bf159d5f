//! This crate: PUSH and PULL, with `send_many` and `recv_many`.

use std::collections::VecDeque;

use tokio_zmtp::{Multipart, Pull, Push};

use crate::Failure;
use crate::implementation::tokio_zmtp::endpoint;
use crate::implementation::{BATCH, OneWay, Place, Receiver, Sender, expect_size};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct TokioZmtpBatches;

impl OneWay for TokioZmtpBatches {
    type Sender = Pushing;
    type Receiver = Pulling;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling, Failure> {
        let socket = Pull::new();
        announce.endpoint(&socket.bind(endpoint(place).as_str()).await?.to_string());
        Ok(Pulling { socket, messages: Vec::new(), size: place.size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing, Failure> {
        let socket = Push::new();
        socket.connect(endpoint).await?;
        socket.remotes().connected().await?;
        let message = Multipart::from(vec![7; size]);
        Ok(Pushing { socket, messages: VecDeque::new(), message })
    }
}

/// A PUSH.
#[derive(Debug)]
pub(crate) struct Pushing {
    socket: Push,
    messages: VecDeque<Multipart>,
    message: Multipart,
}

impl Sender for Pushing {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            self.messages.extend((0..batch).map(|_| self.message.clone()));
            self.socket.send_many(&mut self.messages).await?;
            left -= batch;
        }
        Ok(())
    }
}

/// A PULL.
#[derive(Debug)]
pub(crate) struct Pulling {
    socket: Pull,
    messages: Vec<Multipart>,
    size: usize,
}

impl Receiver for Pulling {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        let mut left = count;
        while left > 0 {
            let most = usize::try_from(left.min(BATCH))?;
            left -= self.socket.recv_many(&mut self.messages, most).await? as u64;
            for message in &self.messages {
                expect_size(message.last().len(), self.size)?;
            }
            self.messages.clear();
        }
        Ok(())
    }
}
