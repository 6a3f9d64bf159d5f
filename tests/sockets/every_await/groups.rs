//! A radio and two dishes in use, with a record of every message, and their async operations.
//!
//! The dishes also join another group from time to time, so that their queues contain messages that
//! they no longer want.

use fastrand::Rng;
use futures::{SinkExt, StreamExt};
use tokio::task::JoinSet;
use tokio_zmtp::{Dish, Group, GroupMessage, Radio};

use super::fan_out::Received;
use super::operation::{Operation, limit, operations, ready};
use super::scene::{EACH, Effect, Lane, Ledger, SENDERS};
use super::{Stage, fan_out, turns};
use crate::over_transport::OverTransport;
use crate::transports::Transport;

/// A radio that waits for full queues, and two members of a group.
pub(super) struct GroupScene {
    radio: Radio,
    dishes: [Dish; 2],
    sent: Ledger,
    received: [Received; 2],
    senders: JoinSet<()>,
    receivers: JoinSet<()>,
}

/// The handles that an operation uses.
pub(super) struct GroupCast {
    radio: Radio,
    dish: Dish,
    sent: Lane,
    received: Received,
    rng: Rng,
}

impl Stage for GroupScene {
    type Cast = GroupCast;

    async fn start(transport: Transport, rng: &mut Rng) -> Self {
        let radio =
            Radio::builder().over(transport).no_drop(true).send_hwm(rng.usize(1..4)).build();
        let endpoint = radio.bind(transport.any()).await.unwrap();
        let hwm = [(); 2].map(|()| rng.usize(1..4));
        let dishes = hwm.map(|hwm| Dish::builder().recv_hwm(hwm).join(&wanted()));
        let dishes = dishes.map(|builder| builder.over(transport).build());
        for dish in &dishes {
            transport.connect(dish, &radio, endpoint.clone()).await;
        }
        while radio.members(&wanted()).len() < dishes.len() {
            turns(1).await;
        }

        let (sent, received) = (Ledger::default(), [(); 2].map(|()| Received::default()));
        let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
        for number in 1..=SENDERS {
            let (handle, mut lane, mut random) = (radio.clone(), sent.lane(number), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    turns(random.u32(..8)).await;
                    handle.send(&other(), "other").await.unwrap();
                    let message = lane.offer();
                    lane.settle(handle.send(&wanted(), message).await);
                }
            });
        }
        for (dish, received) in dishes.iter().zip(&received) {
            let (handle, mut random) = (dish.clone(), rng.fork());
            senders.spawn(async move {
                for _ in 0..EACH {
                    handle.join(&other());
                    turns(random.u32(..20)).await;
                    handle.leave(&other());
                    turns(random.u32(..4)).await;
                }
            });
            let (handle, received, mut random) = (dish.clone(), received.clone(), rng.fork());
            receivers.spawn(async move {
                while let Ok(message) = handle.recv().await {
                    receive(&received, &message);
                    turns(random.u32(..6)).await;
                }
            });
        }
        Self { radio, dishes, sent, received, senders, receivers }
    }

    fn cast(&self, rng: &mut Rng) -> GroupCast {
        GroupCast {
            radio: self.radio.clone(),
            dish: self.dishes[0].clone(),
            sent: self.sent.lane(SENDERS + 1),
            received: self.received[0].clone(),
            rng: rng.fork(),
        }
    }

    async fn end(self, _effect: Effect, case: &str) {
        let Self { radio, dishes, sent, received, mut senders, mut receivers } = self;
        while senders.join_next().await.is_some() {}
        fan_out::settled(&sent, &received, || radio.stats()).await;
        let unsent = radio.stats().dropped.undelivered as usize;
        radio.close().await;
        for dish in &dishes {
            dish.close().await;
        }
        while receivers.join_next().await.is_some() {}
        fan_out::assert_equal(&sent, &received, unsent, case);
    }
}

/// Records a message that a dish has received.
fn receive(received: &Received, message: &GroupMessage) {
    if message.group() == wanted() {
        received.receive_wanted(message);
    } else {
        received.receive_other();
    }
}

impl GroupCast {
    /// Creates the next message.
    fn offer(&mut self) -> GroupMessage {
        GroupMessage::new(&wanted(), self.sent.offer())
    }

    /// Sends messages until the next one would have to wait.
    fn fill(&mut self) {
        let mut message = self.offer();
        while self.sent.settle(self.radio.try_send_message(message)) {
            message = self.offer();
        }
    }

    /// Receives all available messages, and leaves the other group, so that those of it that still
    /// arrive are discarded.
    fn drain(&mut self) {
        while let Ok(message) = self.dish.try_recv() {
            receive(&self.received, &message);
        }
        self.dish.leave(&other());
    }
}

fn wanted() -> Group {
    "wanted".parse().unwrap()
}

fn other() -> Group {
    "other".parse().unwrap()
}

pub(super) const GROUP_OPERATIONS: &[Operation<GroupCast>] = operations! {
    // Sending to queues of which at least one is initially full.
    "Radio::send" Traffic |cast| {
        cast.fill();
        let message = cast.sent.offer();
        cast.sent.settle(cast.radio.send(&wanted(), message).await);
    }
    "Radio::send_message" Traffic |cast| {
        cast.fill();
        let message = cast.offer();
        cast.sent.settle(cast.radio.send_message(message).await);
    }
    "Radio::send_many" Traffic |cast| {
        cast.fill();
        let offer = |lane: &mut Lane| GroupMessage::new(&wanted(), lane.offer());
        let mut batch = cast.sent.offer_many_with(offer);
        cast.radio.send_many(&mut batch.messages).await.unwrap();
    }
    "Radio::send_timeout" Traffic |cast| {
        cast.fill();
        let message = cast.sent.offer();
        let limit = limit(&mut cast.rng);
        cast.sent.settle(cast.radio.send_timeout(&wanted(), message, limit).await);
    }
    "Sink for Radio::poll_ready" Traffic |cast| {
        cast.fill();
        ready::<GroupMessage, _>(&mut cast.radio).await.unwrap();
        turns(cast.rng.u32(..3)).await;
        let message = cast.offer();
        cast.sent.settle(cast.radio.start_send_unpin(message));
    }
    "Sink for Radio::poll_flush" Traffic |cast| {
        cast.fill();
        let message = cast.offer();
        cast.sent.settle(cast.radio.start_send_unpin(message));
        SinkExt::<GroupMessage>::flush(&mut cast.radio).await.unwrap();
    }
    "Sink for Radio::poll_close" Traffic |cast| {
        cast.fill();
        let message = cast.offer();
        cast.sent.settle(cast.radio.start_send_unpin(message));
        SinkExt::<GroupMessage>::close(&mut cast.radio).await.unwrap();
    }
    // Receiving from a queue that is initially empty, or contains messages of the other group.
    "Dish::recv" Traffic |cast| {
        cast.drain();
        let message = cast.dish.recv().await.unwrap();
        receive(&cast.received, &message);
    }
    "Dish::recv_from" Traffic |cast| {
        cast.drain();
        let (message, _) = cast.dish.recv_from().await.unwrap();
        receive(&cast.received, &message);
    }
    "Dish::recv_many" Traffic |cast| {
        cast.drain();
        let mut messages = Vec::new();
        let most = cast.rng.usize(1..4);
        cast.dish.recv_many(&mut messages, most).await.unwrap();
        messages.iter().for_each(|message| receive(&cast.received, message));
    }
    "Dish::recv_timeout" Traffic |cast| {
        cast.drain();
        let limit = limit(&mut cast.rng);
        if let Ok(message) = cast.dish.recv_timeout(limit).await {
            receive(&cast.received, &message);
        }
    }
    "Stream for Dish::poll_next" Traffic |cast| {
        cast.drain();
        let message = cast.dish.next().await.unwrap();
        receive(&cast.received, &message);
    }
};
