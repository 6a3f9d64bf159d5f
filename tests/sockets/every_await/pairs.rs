//! A sender and a receiver in use, with a record of every message, and their async operations.
//!
//! Two channels use the connection in both directions.

use fastrand::Rng;
use futures::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_zmtp::{ReceivingSocket, Socket};

use super::operation::{Operation, limit, operations, ready};
use super::scene::{Connections, EACH, Effect, Lane, Ledger, SENDERS};
use super::{Stage, turns};
use crate::one_way::{Receiver, Sender};
use crate::over_transport::OverTransport;
use crate::transports::Transport;

/// Two sockets with senders and receivers, whose messages are recorded.
pub(super) struct PairScene<S: Sender> {
    /// The direction from the socket that connects, and the opposite one if the types have it.
    directions: Vec<Direction<S>>,
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

/// The sockets and the messages of one direction.
struct Direction<S: Sender> {
    sender: S,
    receiver: S::Receiver,
    ledger: Ledger,
}

/// The handles that an operation uses, and their messages. In a channel, both are handles of the
/// socket that connects.
pub(super) struct PairCast<S: Sender> {
    sender: S,
    receiver: S::Receiver,
    sent: Lane,
    received: Ledger,
    rng: Rng,
}

impl<S: Sender> Stage for PairScene<S> {
    type Cast = PairCast<S>;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let near = S::builder().over(transport).build();
        let far = S::Receiver::builder().over(transport).build();
        let mut pairs = vec![(near.clone(), far.clone())];
        pairs.extend(S::opposite(&near, &far));
        let directions = pairs.into_iter().map(|(sender, receiver)| Direction {
            sender,
            receiver,
            ledger: Ledger::default(),
        });
        let directions: Vec<_> = directions.collect();
        for Direction { sender, receiver, .. } in &directions {
            sender.set_send_hwm(rng.usize(1..4));
            receiver.set_recv_hwm(rng.usize(1..4));
        }
        let endpoint = far.bind(transport.any()).await.unwrap();
        transport.connect(&near, &far, endpoint).await;
        // Either end may write as soon as its own handshake is complete. If the other end is closed
        // before its handshake is complete, it never reads those messages.
        near.remotes().connected().await.unwrap();
        let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
        for Direction { sender, receiver, ledger } in &directions {
            for number in 1..=SENDERS {
                let (handle, mut lane, mut random) =
                    (sender.clone(), ledger.lane(number), rng.fork());
                senders.spawn(async move {
                    for _ in 0..EACH {
                        turns(random.u32(..8)).await;
                        let message = lane.offer_as();
                        lane.settle(handle.send(message).await);
                    }
                });
            }
            let (handle, ledger, mut random) = (receiver.clone(), ledger.clone(), rng.fork());
            receivers.spawn(async move {
                while let Ok(message) = handle.recv().await {
                    ledger.receive(&message);
                    turns(random.u32(..6)).await;
                }
            });
        }
        Self { directions, senders, receivers }
    }

    fn cast(&self, rng: &mut Rng) -> PairCast<S> {
        let (there, back) = (&self.directions[0], self.directions.last().unwrap());
        PairCast {
            sender: there.sender.clone(),
            receiver: back.receiver.clone(),
            sent: there.ledger.lane(SENDERS + 1),
            received: back.ledger.clone(),
            rng: rng.fork(),
        }
    }

    async fn end(self, effect: Effect, case: &str) {
        let Self { directions, mut senders, mut receivers } = self;
        if effect == Effect::Traffic {
            while senders.join_next().await.is_some() {}
            let is_settled = |Direction { sender, ledger, .. }: &Direction<S>| {
                ledger.is_settled(&sender.stats())
            };
            while !directions.iter().all(is_settled) {
                turns(1).await;
            }
        }
        let mut ends = Vec::new();
        for direction in &directions {
            ends.push(direction.sender.close().await);
        }
        for direction in &directions {
            direction.receiver.close().await;
        }
        while senders.join_next().await.is_some() {}
        while receivers.join_next().await.is_some() {}
        for (Direction { sender, receiver, ledger }, end) in directions.iter().zip(ends) {
            let case = format!("from {sender:?}, {case}");
            ledger.assert_balanced(end, &receiver.stats(), Connections::One, &case);
        }
    }
}

impl<S: Sender> PairCast<S> {
    /// Sends messages until the next one would have to wait.
    fn fill(&mut self) {
        let mut message = self.sent.offer_as();
        while self.sent.settle(self.sender.try_send(message)) {
            message = self.sent.offer_as();
        }
    }

    /// Receives all available messages.
    fn drain(&mut self) {
        while let Ok(message) = self.receiver.try_recv() {
            self.received.receive(&message);
        }
    }
}

impl<S: Sender> PairScene<S> {
    /// The operations. In the name of each, `Sender` and `Receiver` stand for the types.
    pub(super) const OPERATIONS: &[Operation<PairCast<S>>] = operations! {
        // Sending to a queue that is initially full.
        "Sender::send" Traffic |cast| {
            cast.fill();
            let message = cast.sent.offer_as();
            cast.sent.settle(cast.sender.send(message).await);
        }
        "Sender::send_many" Traffic |cast| {
            cast.fill();
            let mut batch = cast.sent.offer_many();
            cast.sender.send_many(&mut batch.messages).await.unwrap();
        }
        "Sender::send_timeout" Traffic |cast| {
            cast.fill();
            let message = cast.sent.offer_as();
            let limit = limit(&mut cast.rng);
            cast.sent.settle(cast.sender.send_timeout(message, limit).await);
        }
        "Sender::reserve" Traffic |cast| {
            cast.fill();
            let permit = cast.sender.reserve().await.unwrap();
            turns(cast.rng.u32(..3)).await;
            let message = cast.sent.offer_as();
            cast.sent.settle(S::send_through(permit, message));
        }
        "Sink for Sender::poll_ready" Traffic |cast| {
            cast.fill();
            ready(&mut cast.sender).await.unwrap();
            turns(cast.rng.u32(..3)).await;
            let message = cast.sent.offer_as();
            cast.sent.settle(cast.sender.start_send_unpin(message));
        }
        "Sink for Sender::poll_flush" Traffic |cast| {
            cast.fill();
            let message = cast.sent.offer_as();
            cast.sent.settle(cast.sender.start_send_unpin(message));
            cast.sender.flush().await.unwrap();
        }
        "Sink for Sender::poll_close" Traffic |cast| {
            cast.fill();
            let message = cast.sent.offer_as();
            cast.sent.settle(cast.sender.start_send_unpin(message));
            SinkExt::close(&mut cast.sender).await.unwrap();
        }
        // Receiving from a queue that is initially empty.
        "Receiver::recv" Traffic |cast| {
            cast.drain();
            let message = cast.receiver.recv().await.unwrap();
            cast.received.receive(&message);
        }
        "Receiver::recv_from" Traffic |cast| {
            cast.drain();
            let (message, _) = cast.receiver.recv_from().await.unwrap();
            cast.received.receive(&message);
        }
        "Receiver::recv_many" Traffic |cast| {
            cast.drain();
            let mut messages = Vec::new();
            let most = cast.rng.usize(1..4);
            cast.receiver.recv_many(&mut messages, most).await.unwrap();
            messages.iter().for_each(|message| cast.received.receive(message));
        }
        "Receiver::recv_timeout" Traffic |cast| {
            cast.drain();
            let limit = limit(&mut cast.rng);
            if let Ok(message) = cast.receiver.recv_timeout(limit).await {
                cast.received.receive(&message);
            }
        }
        "Stream for Receiver::poll_next" Traffic |cast| {
            cast.drain();
            let message = cast.receiver.next().await.unwrap();
            cast.received.receive(&message);
        }
        // Closing.
        "Sender::close" ClosesClient |cast| {
            cast.sender.close().await;
        }
        "Sender::close_with_undelivered" ClosesClient |cast| {
            let (_, unsent) = cast.sender.close_and_return().await;
            cast.sent.ledger().unsent(&unsent);
        }
    };
}
