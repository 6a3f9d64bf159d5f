//! omq-tokio: PUSH and PULL, with `try_send_many` and `recv_many_into`.

use std::collections::VecDeque;

use omq_tokio::{Message, Socket, SocketType, TrySendError};

use crate::Failure;
use crate::implementation::omq::{Bound, Connected, bind, connect};
use crate::implementation::{BATCH, OneWay, Place, Receiver, Sender, expect_size};
use crate::report::Announce;

#[derive(Debug)]
pub(crate) struct OmqBatches;

impl OneWay for OmqBatches {
    type Sender = Pushing;
    type Receiver = Pulling;

    async fn receiver(place: &Place, announce: Announce) -> Result<Pulling, Failure> {
        let Bound { socket, size } = bind(SocketType::Pull, place, announce).await?;
        Ok(Pulling { socket, messages: Vec::new(), size })
    }

    async fn sender(endpoint: &str, size: usize) -> Result<Pushing, Failure> {
        let connected = connect(SocketType::Push, endpoint, size, 1).await?;
        Ok(Pushing { connected, messages: VecDeque::new() })
    }
}

/// A PUSH.
#[derive(Debug)]
pub(crate) struct Pushing {
    connected: Connected,
    messages: VecDeque<Message>,
}

impl Sender for Pushing {
    async fn send(&mut self, count: u64) -> Result<(), Failure> {
        let Self { connected, messages } = self;
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            messages.extend((0..batch).map(|_| connected.message()));
            left -= batch;
            while !messages.is_empty() {
                match connected.socket.try_send_many(messages, usize::MAX) {
                    Ok(_) => {}
                    Err(TrySendError::Full(message)) => connected.socket.send(message).await?,
                    Err(error) => return Err(error.to_string().into()),
                }
            }
        }
        Ok(())
    }
}

/// A PULL.
#[derive(Debug)]
pub(crate) struct Pulling {
    socket: Socket,
    messages: Vec<Message>,
    size: usize,
}

impl Receiver for Pulling {
    async fn recv(&mut self, count: u64) -> Result<(), Failure> {
        let mut left = count;
        while left > 0 {
            let most = usize::try_from(left.min(BATCH))?;
            left -= self.socket.recv_many_into(most, &mut self.messages).await? as u64;
            for message in self.messages.drain(..) {
                expect_size(message.byte_len(), self.size)?;
            }
            // A loop that never waits must not starve the socket's own task.
            tokio::task::coop::consume_budget().await;
        }
        Ok(())
    }
}
