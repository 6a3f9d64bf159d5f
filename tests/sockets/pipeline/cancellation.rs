//! Operations that are dropped at every point where they wait.

use futures::SinkExt;
use tokio::task;
use tokio_zmtp::{Multipart, Pull, Push};

use super::pull_and_remote;
use crate::remote::{MORE, message};
use crate::transports::{Transport, over_every_transport};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_dropped_receive_loses_no_part() {
    let _watchdog = Watchdog::start();
    let (pull, mut remote) = pull_and_remote().await;
    let wire = [&[MORE, 1][..], b"a", &[MORE, 0], &message(b"last")].concat();
    for _ in 0..3 {
        for byte in &wire {
            assert!(futures::poll!(Box::pin(pull.recv())).is_pending());
            remote.write(&[*byte]).await;
        }
        assert_eq!(pull.recv().await.unwrap(), ["a", "", "last"]);
    }
}

over_every_transport!(a_send_that_is_dropped_is_sent_whole_or_not_at_all);

async fn a_send_that_is_dropped_is_sent_whole_or_not_at_all(transport: Transport) {
    let _watchdog = Watchdog::start();
    let mut polls = 0;
    while !is_accepted(transport, polls).await {
        // Over TCP, the connection needs many turns.
        polls = 2 * polls + 1;
    }
    assert!(polls > 1, "the operation never waited");
}

/// Drops a send after `polls` polls, between which the pull receives. Returns whether the message
/// was accepted.
async fn is_accepted(transport: Transport, polls: usize) -> bool {
    let (push, pull, queued) = full(transport).await;
    let mut sending = Box::pin(push.send(parts()));
    let (mut accepted, mut received) = (false, 0);
    for _ in 0..polls {
        if futures::poll!(&mut sending).is_ready() {
            accepted = true;
            break;
        }
        if let Ok(message) = pull.try_recv() {
            assert_eq!(message, parts());
            received += 1;
        }
        task::yield_now().await;
    }
    drop(sending);
    let rest = async {
        loop {
            let message = pull.recv().await.unwrap();
            if message == ["end"] {
                break;
            }
            assert_eq!(message, parts());
            received += 1;
        }
    };
    let (sent, ()) = tokio::join!(push.send("end"), rest);
    sent.unwrap();
    assert_eq!(received, queued + usize::from(accepted), "after {polls} polls");
    accepted
}

over_every_transport!(a_sink_keeps_its_message_when_a_flush_is_dropped);

async fn a_sink_keeps_its_message_when_a_flush_is_dropped(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (push, pull, queued) = full(transport).await;
    let mut sink = push.clone();
    // The slot is reserved with the next message that is received.
    let kept = Multipart::from(["kept", "whole"]);
    let feed = async {
        sink.feed(kept.clone()).await.unwrap();
        for _ in 0..3 {
            let _ = futures::poll!(SinkExt::<Multipart>::flush(&mut sink));
        }
        SinkExt::<Multipart>::flush(&mut sink).await.unwrap();
    };
    let receive = async {
        for _ in 0..queued {
            assert_eq!(pull.recv().await.unwrap(), parts());
        }
        assert_eq!(pull.recv().await.unwrap(), kept);
    };
    tokio::join!(feed, receive);
}

/// Returns sockets whose queues are full, and the number of messages in them.
async fn full(transport: Transport) -> (Push, Pull, usize) {
    let pull = Pull::builder().recv_hwm(1).recv_hwm_bytes(1).build();
    let endpoint = pull.bind(transport.any()).await.unwrap();
    let push = Push::builder().send_hwm(1).send_buffer_size(4_096).connect(endpoint).await.unwrap();
    push.remotes().connected().await.unwrap();
    let mut queued = 0;
    let mut idle = 0;
    // The connection moves messages while this task yields.
    while idle < 100 {
        if push.try_send(parts()).is_ok() {
            queued += 1;
            idle = 0;
        } else {
            idle += 1;
        }
        task::yield_now().await;
    }
    (push, pull, queued)
}

fn parts() -> Multipart {
    Multipart::from(vec![vec![7; 0x4_0000], vec![], vec![8; 0x4_0000]])
}
