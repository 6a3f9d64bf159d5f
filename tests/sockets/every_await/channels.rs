//! Two channels in use, with a record of every message, and their async operations.

use fastrand::Rng;
use futures::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_zmtp::{Channel, Message};

use super::operations::{Operation, SEVERAL, limit, ready};
use super::scene::{Connections, EACH, Effect, Lane, Ledger, SENDERS};
use super::{Stage, turns};
use crate::transports::Transport;

/// Two channels with senders and receivers, whose messages are recorded.
pub(super) struct ChannelScene {
    near: Channel,
    far: Channel,
    there: Ledger,
    back: Ledger,
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

/// The handle that an operation uses, and the messages of both directions.
pub(super) struct ChannelCast {
    channel: Channel,
    there: Lane,
    back: Lane,
    rng: Rng,
}

impl Stage for ChannelScene {
    type Cast = ChannelCast;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let builder = Channel::builder().send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(1..4));
        let far = builder.bind(transport.any()).await.unwrap();
        let builder = Channel::builder().send_hwm(rng.usize(1..4)).recv_hwm(rng.usize(1..4));
        let near = builder.connect(far.last_endpoint().unwrap()).await.unwrap();
        // Either end may write as soon as its own handshake is complete. If the other end is closed
        // before its handshake is complete, it never reads those messages.
        near.remotes().connected().await.unwrap();
        let (there, back) = (Ledger::default(), Ledger::default());
        let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
        for (from, to, ledger) in [(&near, &far, &there), (&far, &near, &back)] {
            for number in 1..=SENDERS {
                let (handle, mut lane, mut random) =
                    (from.clone(), ledger.lane(number), rng.fork());
                senders.spawn(async move {
                    for _ in 0..EACH {
                        turns(random.u32(..8)).await;
                        let message = lane.offer();
                        lane.settle(handle.send(message).await);
                    }
                });
            }
            let (handle, ledger, mut random) = (to.clone(), ledger.clone(), rng.fork());
            receivers.spawn(async move {
                while let Ok(message) = handle.recv().await {
                    ledger.receive(&message);
                    turns(random.u32(..6)).await;
                }
            });
        }
        Self { near, far, there, back, senders, receivers }
    }

    fn cast(&self, rng: &mut Rng) -> ChannelCast {
        ChannelCast {
            channel: self.near.clone(),
            there: self.there.lane(SENDERS + 1),
            back: self.back.lane(SENDERS + 1),
            rng: rng.fork(),
        }
    }

    async fn end(self, effect: Effect, case: &str) {
        let Self { near, far, there, back, mut senders, mut receivers } = self;
        if effect == Effect::Traffic {
            while senders.join_next().await.is_some() {}
            while !there.is_settled(&near.stats()) || !back.is_settled(&far.stats()) {
                turns(1).await;
            }
        }
        let near_end = near.close().await;
        let far_end = far.close().await;
        while senders.join_next().await.is_some() {}
        while receivers.join_next().await.is_some() {}
        let (near, far) = (near.stats(), far.stats());
        there.assert_balanced(near_end, &far, Connections::One, &format!("there, {case}"));
        back.assert_balanced(far_end, &near, Connections::One, &format!("back, {case}"));
    }
}

impl ChannelCast {
    /// Sends messages until the next one would have to wait.
    fn fill(&mut self) {
        let mut message = self.there.offer();
        while self.there.settle(self.channel.try_send(message)) {
            message = self.there.offer();
        }
    }

    /// Receives all available messages.
    fn drain(&mut self) {
        while let Ok(message) = self.channel.try_recv() {
            self.receive(&message);
        }
    }

    fn receive(&self, message: &Message) {
        self.back.ledger().receive(message);
    }
}

/// Declares operations that are repeated, which adds await points.
macro_rules! operations {
    ($($name:literal $effect:ident |$cast:ident| $body:block)*) => {
        &[$(Operation {
            name: $name,
            effect: Effect::$effect,
            start: |mut cast| Box::pin(async move {
                let $cast = &mut cast;
                for _ in 0..SEVERAL $body
            }),
        }),*]
    };
}

pub(super) const CHANNEL_OPERATIONS: &[Operation<ChannelCast>] = operations! {
    // Sending to a queue that is initially full.
    "Channel::send" Traffic |cast| {
        cast.fill();
        let message = cast.there.offer();
        cast.there.settle(cast.channel.send(message).await);
    }
    "Channel::send_timeout" Traffic |cast| {
        cast.fill();
        let message = cast.there.offer();
        let limit = limit(&mut cast.rng);
        cast.there.settle(cast.channel.send_timeout(message, limit).await);
    }
    "Channel::reserve" Traffic |cast| {
        cast.fill();
        let permit = cast.channel.reserve().await.unwrap();
        turns(cast.rng.u32(..3)).await;
        let message = cast.there.offer();
        cast.there.settle(permit.send(message));
    }
    "Sink for Channel::poll_ready" Traffic |cast| {
        cast.fill();
        ready::<Message, _>(&mut cast.channel).await.unwrap();
        turns(cast.rng.u32(..3)).await;
        let message = cast.there.offer();
        cast.there.settle(cast.channel.start_send_unpin(message));
    }
    "Sink for Channel::poll_flush" Traffic |cast| {
        cast.fill();
        let message = cast.there.offer();
        cast.there.settle(cast.channel.start_send_unpin(message));
        SinkExt::<Message>::flush(&mut cast.channel).await.unwrap();
    }
    "Sink for Channel::poll_close" Traffic |cast| {
        cast.fill();
        let message = cast.there.offer();
        cast.there.settle(cast.channel.start_send_unpin(message));
        SinkExt::<Message>::close(&mut cast.channel).await.unwrap();
    }
    // Receiving from a queue that is initially empty.
    "Channel::recv" Traffic |cast| {
        cast.drain();
        let message = cast.channel.recv().await.unwrap();
        cast.receive(&message);
    }
    "Channel::recv_from" Traffic |cast| {
        cast.drain();
        let (message, _) = cast.channel.recv_from().await.unwrap();
        cast.receive(&message);
    }
    "Channel::recv_many" Traffic |cast| {
        cast.drain();
        let mut messages = Vec::new();
        let most = cast.rng.usize(1..4);
        cast.channel.recv_many(&mut messages, most).await.unwrap();
        messages.iter().for_each(|message| cast.receive(message));
    }
    "Channel::recv_timeout" Traffic |cast| {
        cast.drain();
        let limit = limit(&mut cast.rng);
        if let Ok(message) = cast.channel.recv_timeout(limit).await {
            cast.receive(&message);
        }
    }
    "Stream for Channel::poll_next" Traffic |cast| {
        cast.drain();
        let message = cast.channel.next().await.unwrap();
        cast.receive(&message);
    }
    // Closing.
    "Channel::close" ClosesClient |cast| {
        cast.channel.close().await;
    }
    "Channel::close_with_undelivered" ClosesClient |cast| {
        let (_, unsent) = cast.channel.close_with_undelivered().await;
        cast.there.ledger().unsent(&unsent);
    }
};
