//! PUSH with PULLs of Python, those of a release of libzmq, that are killed.

use support::python;
use support::script::ScriptRemote;
use tokio::task;
use tokio_zmtp::monitor::{DisconnectReason, EventKind};
use tokio_zmtp::{Multipart, Push, Undelivered};

use crate::events;
use crate::transports::Transport;
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_a_killed_pull_of_python_leaves_are_counted() {
    for &transport in TRANSPORTS {
        let Some((push, left)) = with_killed_pull(transport, Undelivered::Drop).await else {
            return;
        };
        while push.stats().dropped.undelivered < left {
            task::yield_now().await;
        }
        assert_eq!(push.stats().sent.messages + push.stats().dropped.undelivered, MESSAGES);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_a_killed_pull_of_python_leaves_are_returned() {
    for &transport in TRANSPORTS {
        let Some((push, left)) = with_killed_pull(transport, Undelivered::Return).await else {
            return;
        };
        for number in MESSAGES - left..MESSAGES {
            let returned = push.recv_returned().await.unwrap();
            assert_eq!(returned[0], *number.to_string().as_bytes());
        }
        assert_eq!(push.stats().returned, left);
        assert_eq!(push.stats().dropped.undelivered, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_a_killed_pull_of_python_leaves_are_sent_to_another() {
    for &transport in TRANSPORTS {
        let Some((push, left)) = with_killed_pull(transport, Undelivered::Redirect).await else {
            return;
        };
        let mut other = start(&push).unwrap();
        for number in MESSAGES - left..MESSAGES {
            assert_eq!(receive(&mut other), number);
        }
        assert_eq!(push.stats().redirected, left);
        assert_eq!(push.stats().dropped.undelivered, 0);
        assert_eq!(other.finish(), "");
    }
}

/// Returns a bound PUSH that has sent [`MESSAGES`] to a PULL, which has received the first of them
/// and is killed, and the number of messages that were not written. Returns `None` without Python.
async fn with_killed_pull(transport: Transport, undelivered: Undelivered) -> Option<(Push, u64)> {
    let _watchdog = Watchdog::start();
    let push = Push::builder().undelivered(undelivered).bind(transport.any()).await.unwrap();
    let mut monitor = push.monitor();
    let mut pull = start(&push)?;
    for number in 0..MESSAGES {
        push.send(numbered(number)).await.unwrap();
    }
    for number in 0..RECEIVED {
        assert_eq!(receive(&mut pull), number);
    }
    drop(pull);
    let ended = events::until(&mut monitor, |kind| matches!(kind, EventKind::Disconnected { .. }));
    let EventKind::Disconnected { reason, stats } = ended.await.kind else { unreachable!() };
    assert!(matches!(reason, DisconnectReason::ClosedByRemote | DisconnectReason::Io(_)));
    let sent = stats.sent.messages;
    assert!((RECEIVED..MESSAGES).contains(&sent), "{sent}");
    Some((push, MESSAGES - sent))
}

/// Starts a PULL that connects to a socket, or returns `None` without Python.
fn start(push: &Push) -> Option<ScriptRemote> {
    let endpoint = push.last_endpoint().unwrap().to_string();
    let script = "tests/sockets/pipeline/pull.py";
    python::start_with(env!("CARGO_TARGET_TMPDIR"), script, &[&endpoint])
}

/// Lets a PULL receive a message, and returns its number.
fn receive(pull: &mut ScriptRemote) -> u64 {
    pull.write_line("");
    pull.line().parse().unwrap()
}

/// Returns a long message that begins with its number.
fn numbered(number: u64) -> Multipart {
    Multipart::from([number.to_string().into_bytes(), vec![0; 0x2_0000]])
}

/// Those of Python's sockets.
const TRANSPORTS: &[Transport] = &[
    Transport::Tcp,
    #[cfg(unix)]
    Transport::Ipc,
];

/// Together they are longer than what the system buffers for a connection.
const MESSAGES: u64 = 64;

/// The messages that the PULL receives before it is killed.
const RECEIVED: u64 = 3;
