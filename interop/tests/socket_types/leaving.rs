//! PUSH with PULLs of libzmq that do not read and are killed.

use interop::{RemoteProcess, Socket, SocketType};
use support::events;
use support::transports::Transport;
use tokio::task;
use tokio_zmtp::{Balance, Builder, Endpoint, Multipart, Push, Undelivered};

use crate::pairing::{over_tcp_and_ipc, own_endpoint};
use crate::theirs::{recv, socket};

over_tcp_and_ipc!(a_pull_that_does_not_read_is_avoided_and_its_messages_are_redirected);

async fn a_pull_that_does_not_read_is_avoided_and_its_messages_are_redirected(
    transport: Transport,
) {
    let builder = Push::builder().balance(Balance::ShortestQueue);
    let (push, endpoint, idle) =
        with_idle_pull(builder.undelivered(Undelivered::Redirect), transport).await;
    let pull = socket(SocketType::Pull);
    pull.connect(&endpoint.to_string()).unwrap();
    push.remotes().at_least(2).await.unwrap();
    for number in MESSAGES..2 * MESSAGES {
        push.send(numbered(number)).await.unwrap();
        assert_eq!(number_from(&pull).await, number, "its queue is the shortest");
    }
    kill(idle).await;
    // The kernel has buffers for the first messages.
    let first = number_from(&pull).await;
    assert!(first < MESSAGES);
    for number in first + 1..MESSAGES {
        assert_eq!(number_from(&pull).await, number);
    }
    assert_eq!(push.stats().sent.messages, 2 * MESSAGES);
    assert_eq!(push.stats().dropped.undelivered, 0);
}

over_tcp_and_ipc!(messages_that_a_killed_pull_leaves_are_returned);

async fn messages_that_a_killed_pull_leaves_are_returned(transport: Transport) {
    let builder = Push::builder().undelivered(Undelivered::Return);
    let (push, _, idle) = with_idle_pull(builder, transport).await;
    let mut of_push = push.monitor();
    kill(idle).await;
    events::until_disconnected(&mut of_push).await;
    let mut next = push.stats().sent.messages;
    assert!(next < MESSAGES);
    while next < MESSAGES {
        let returned = push.recv_returned().await.unwrap();
        assert_eq!(returned[0], next.to_be_bytes());
        next += 1;
    }
    assert_eq!(push.stats().dropped.undelivered, 0);
}

/// Returns a bound PUSH that has sent messages to a PULL which does not read them.
async fn with_idle_pull(
    builder: Builder<Push>,
    transport: Transport,
) -> (Push, Endpoint, RemoteProcess) {
    let push = builder.build();
    let endpoint = push.bind(&*own_endpoint(transport)).await.unwrap();
    let arguments = ["pull", "connect", &endpoint.to_string(), "idle"];
    let idle = RemoteProcess::start(env!("CARGO_BIN_EXE_libzmq-remote"), arguments).unwrap();
    push.remotes().connected().await.unwrap();
    for number in 0..MESSAGES {
        push.send(numbered(number)).await.unwrap();
    }
    (push, endpoint, idle)
}

async fn kill(remote: RemoteProcess) {
    task::spawn_blocking(|| remote.kill()).await.unwrap();
}

async fn number_from(pull: &Socket) -> u64 {
    u64::from_be_bytes(recv(pull).await[0][..].try_into().unwrap())
}

/// Returns a long message that begins with its number.
fn numbered(number: u64) -> Multipart {
    Multipart::from([number.to_be_bytes().to_vec(), vec![0; 0x2_0000]])
}

/// Together they are longer than what the system buffers for a connection.
const MESSAGES: u64 = 64;
