//! Sends that are dropped at every point where they wait.

use std::time::Duration;

use futures::SinkExt;
use futures::future::{LocalBoxFuture, join_all};
use tokio::task;
use tokio_zmtp::{Dish, GroupMessage, Radio, TryRecvError};

use super::{group, until_joined};
use crate::over_transport::OverTransport;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

/// Sends a message, and returns whether it was accepted.
type Send = fn(Radio) -> LocalBoxFuture<'static, bool>;

over_every_transport_and_streams!(a_send_that_is_dropped_is_sent_to_all_members_or_to_none);

async fn a_send_that_is_dropped_is_sent_to_all_members_or_to_none(transport: Transport) {
    let _watchdog = Watchdog::start();
    let sends: [Send; 3] = [
        |radio| Box::pin(async move { radio.send(&group("a"), "x").await.is_ok() }),
        |radio| Box::pin(async move { radio.send_message(message()).await.is_ok() }),
        |radio| {
            Box::pin(async move {
                radio.send_timeout(&group("a"), "x", Duration::from_secs(60)).await.is_ok()
            })
        },
    ];
    for send in sends {
        let mut polls = 0;
        while !is_accepted(transport, send, polls).await {
            polls += 1;
        }
        assert!(polls > 1, "the operation never waited");
    }
}

/// Drops the operation after `polls` polls, between which the members receive. Returns whether it
/// was accepted.
async fn is_accepted(transport: Transport, send: Send, polls: usize) -> bool {
    let (radio, dishes, mut queued) = full(transport).await;
    let mut sending = send(radio.clone());
    let mut accepted = false;
    let mut received = [0; 2];
    for turn in 0..polls {
        if let std::task::Poll::Ready(is_ok) = futures::poll!(&mut sending) {
            accepted = is_ok;
            break;
        }
        // The members receive in turn.
        received[turn % 2] += usize::from(dishes[turn % 2].try_recv().is_ok());
        task::yield_now().await;
    }
    drop(sending);
    queued += usize::from(accepted);
    let receiving = dishes.iter().zip(&mut received).map(|(dish, received)| async {
        while dish.recv().await.unwrap()[..] != *b"end" {
            *received += 1;
        }
    });
    let last = group("a");
    let (sent, _) = tokio::join!(radio.send(&last, "end"), join_all(receiving));
    sent.unwrap();
    assert_eq!(received, [queued; 2], "after {polls} polls");
    accepted
}

over_every_transport_and_streams!(a_sink_keeps_its_message_when_a_flush_is_dropped);

async fn a_sink_keeps_its_message_when_a_flush_is_dropped(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (radio, dishes, queued) = full(transport).await;
    let mut sink = radio.clone();
    sink.feed(message()).await.unwrap();
    for _ in 0..3 {
        assert!(futures::poll!(SinkExt::<GroupMessage>::flush(&mut sink)).is_pending());
    }
    for dish in &dishes {
        for _ in 0..queued {
            dish.recv().await.unwrap();
        }
    }
    SinkExt::<GroupMessage>::flush(&mut sink).await.unwrap();
    for dish in &dishes {
        assert_eq!(dish.recv().await, Ok(message()));
        assert_eq!(dish.try_recv(), Err(TryRecvError::Empty));
    }
}

/// Returns a radio that waits for two members whose queues are full, and the number of messages in
/// each queue.
async fn full(transport: Transport) -> (Radio, [Dish; 2], usize) {
    let radio = Radio::builder().over(transport).no_drop(true).send_hwm(1).build();
    let endpoint = radio.bind(transport.any()).await.unwrap();
    let dishes =
        [(); 2].map(|()| Dish::builder().over(transport).recv_hwm(1).join(&group("a")).build());
    for dish in &dishes {
        transport.connect(dish, &radio, endpoint.clone()).await;
    }
    until_joined(&radio, "a", 2).await;
    let mut queued = 0;
    while radio.try_send_message(message()).is_ok() {
        queued += 1;
    }
    (radio, dishes, queued)
}

fn message() -> GroupMessage {
    GroupMessage::new(&group("a"), "x")
}
