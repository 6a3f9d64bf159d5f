//! Operations that are dropped at every point where they wait.

use futures::SinkExt;
use tokio::task;
use tokio_zmtp::Socket;

use super::{Payload, Receiver, Sender, for_every_pair};
use crate::transports::Transport;
use crate::watchdog::Watchdog;

for_every_pair!(a_send_that_is_dropped_is_sent_whole_or_not_at_all, over every transport);

async fn a_send_that_is_dropped_is_sent_whole_or_not_at_all<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let mut polls = 0;
    while !is_accepted::<S>(transport, polls).await {
        // Over TCP, the connection needs many turns.
        polls = 2 * polls + 1;
    }
    assert!(polls > 1, "the operation never waited");
}

/// Drops a send after `polls` polls, between which the receiver receives. Returns whether the
/// message was accepted.
async fn is_accepted<S: Sender>(transport: Transport, polls: usize) -> bool {
    let (sender, receiver, queued) = full::<S>(transport).await;
    let mut sending = Box::pin(sender.send(long()));
    let (mut accepted, mut received) = (false, 0);
    for _ in 0..polls {
        if futures::poll!(&mut sending).is_ready() {
            accepted = true;
            break;
        }
        if let Ok(message) = receiver.try_recv() {
            assert_eq!(message, long());
            received += 1;
        }
        task::yield_now().await;
    }
    drop(sending);
    let rest = async {
        loop {
            let message = receiver.recv().await.unwrap();
            if message == "end".into() {
                break;
            }
            assert_eq!(message, long());
            received += 1;
        }
    };
    let (sent, ()) = tokio::join!(sender.send("end".into()), rest);
    sent.unwrap();
    assert_eq!(received, queued + usize::from(accepted), "after {polls} polls");
    accepted
}

for_every_pair!(a_sink_keeps_its_message_when_a_flush_is_dropped, over every transport);

async fn a_sink_keeps_its_message_when_a_flush_is_dropped<S: Sender>(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (sender, receiver, queued) = full::<S>(transport).await;
    let mut sink = sender.clone();
    // The slot is reserved with the next message that is received.
    let kept = S::Message::numbered(1);
    let feed = async {
        sink.feed(kept.clone()).await.unwrap();
        for _ in 0..3 {
            let _ = futures::poll!(sink.flush());
        }
        sink.flush().await.unwrap();
    };
    let receive = async {
        for _ in 0..queued {
            assert_eq!(receiver.recv().await.unwrap(), long());
        }
        assert_eq!(receiver.recv().await.unwrap(), kept);
    };
    tokio::join!(feed, receive);
}

/// Returns sockets whose queues are full, and the number of messages in them.
async fn full<S: Sender>(transport: Transport) -> (S, S::Receiver, usize) {
    let receiver = S::Receiver::builder().recv_hwm(1).recv_hwm_bytes(1).build();
    let endpoint = receiver.bind(transport.any()).await.unwrap();
    let sender = S::builder().send_hwm(1).send_buffer_size(4_096).connect(endpoint).await.unwrap();
    sender.remotes().connected().await.unwrap();
    let mut queued = 0;
    let mut idle = 0;
    // The connection moves messages while this task yields.
    while idle < 100 {
        if sender.try_send(long()).is_ok() {
            queued += 1;
            idle = 0;
        } else {
            idle += 1;
        }
        task::yield_now().await;
    }
    (sender, receiver, queued)
}

fn long<M: Payload>() -> M {
    M::of_len(0x8_0000)
}
