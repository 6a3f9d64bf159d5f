//! What publishers and subscribers of scripts exchange with ours: numbers, whose first digits are the
//! topics.

use std::fmt::Debug;
use std::time::Duration;

use futures::{Sink, SinkExt, Stream, StreamExt};
use support::script::ScriptRemote;
use tokio::task;
use tokio_zmtp::{
    Builder, ConnectionId, Multipart, Pub, SlowSubscriber, Socket, Sub, Upstream, Verbosity, XPub,
    XSub,
};

use super::{COUNT, parts_of, receive_numbers};

/// Creates a PUB that waits for subscribers whose queue is full.
pub(crate) fn patient_pub() -> Builder<Pub> {
    Pub::builder().slow_subscriber(SlowSubscriber::Wait)
}

/// Creates an XPUB that waits for subscribers whose queue is full, and receives all their requests.
pub(crate) fn patient_xpub() -> Builder<XPub> {
    XPub::builder()
        .slow_subscriber(SlowSubscriber::Wait)
        .verbosity(Verbosity::Verboser)
        .reconnect_interval(Duration::from_millis(1))
}

/// Creates a SUB that subscribes to all numbers.
pub(crate) fn sub_to_numbers() -> Builder<Sub> {
    digits().fold(Sub::builder(), |builder, digit| builder.subscribe(digit.parse().unwrap()))
}

/// Creates an XSUB that subscribes to all numbers.
pub(crate) fn xsub_to_numbers() -> Builder<XSub> {
    let builder = XSub::builder().reconnect_interval(Duration::from_millis(1));
    digits().fold(builder, |builder, digit| builder.subscribe(digit.parse().unwrap()))
}

/// Publishes messages when a remote has subscribed to all numbers, until it cancels a topic.
pub(crate) async fn publish_each(publisher: &Pub, remote: &mut ScriptRemote) {
    for digit in digits() {
        publisher.subscribed(digit).await.unwrap();
    }
    publish_numbers(publisher).await;
    assert_eq!(remote.line(), "done");
    while publisher.subscribers("9") > 0 {
        task::yield_now().await;
    }
}

/// Publishes messages when a remote has subscribed to all numbers, and again after a reconnect,
/// until it cancels a topic. An XSUB sends a message as well.
pub(crate) async fn publish_each_after_a_reconnect(
    publisher: &XPub,
    remote: &mut ScriptRemote,
    their_type: &str,
) {
    assert_eq!(requests(publisher, 10).await, with_each_digit("+"));
    publisher.remotes().disconnect(only_connection(publisher));
    let expected = [with_each_digit("+"), with_each_digit("-")].concat();
    assert_eq!(requests(publisher, 20).await, expected);
    publish_numbers(publisher).await;
    assert_eq!(remote.line(), "done");
    let (cancelled, user_message) = ("-9".to_owned(), format!("{:?}", user_message()));
    if their_type == "xsub" {
        assert_eq!(requests(publisher, 2).await, [cancelled, user_message]);
    } else {
        assert_eq!(requests(publisher, 1).await, [cancelled]);
    }
    assert_eq!(publisher.topics(), 9);
}

/// Receives messages from a remote that publishes them when it has received a message, after a
/// reconnect, and cancels a topic.
pub(crate) async fn receive_each_after_a_reconnect(xsub: &XSub, remote: &mut ScriptRemote) {
    xsub.remotes().connected().await.unwrap();
    let previous = only_connection(xsub);
    xsub.remotes().disconnect(previous);
    while xsub.remotes().iter().all(|remote| remote.connection_id() == previous) {
        task::yield_now().await;
    }
    xsub.send(user_message()).await.unwrap();
    receive_numbers(xsub).await;
    assert!(xsub.unsubscribe("9"));
    assert_eq!(remote.line(), "done");
}

/// Receives messages from a remote, which publishes them before and after the subscription arrives.
pub(crate) async fn receive_published<S>(socket: &S)
where
    S: Clone + Stream<Item = Multipart> + Unpin,
{
    let mut stream = socket.clone();
    receive_consecutive(async || stream.next().await.unwrap()).await;
}

/// Receives messages like [`receive_published`], and again after a reconnect.
pub(crate) async fn receive_published_after_a_reconnect(xsub: &XSub) {
    receive_published(xsub).await;
    let previous = only_connection(xsub);
    xsub.remotes().disconnect(previous);
    receive_consecutive(async || {
        loop {
            let (message, remote) = xsub.recv_from().await.unwrap();
            if remote.connection_id() != previous {
                return message;
            }
        }
    })
    .await;
}

async fn receive_consecutive(mut next: impl AsyncFnMut() -> Multipart) {
    let first = number_in(&next().await);
    for number in first + 1..first + COUNT {
        assert_eq!(next().await, [number.to_string()]);
    }
}

async fn publish_numbers<S>(publisher: &S)
where
    S: Clone + Sink<Multipart, Error: Debug> + Unpin,
{
    let mut sink = publisher.clone();
    for number in 0..COUNT {
        sink.send(["discarded".to_owned(), number.to_string()].into()).await.unwrap();
        sink.send(parts_of(number).into()).await.unwrap();
    }
}

/// Receives requests and messages, and shows them in alphabetical order.
async fn requests(publisher: &XPub, count: usize) -> Vec<String> {
    let mut received = Vec::new();
    for _ in 0..count {
        received.push(match publisher.recv().await.unwrap() {
            Upstream::Subscribe(request) => format!("+{}", request.topic()),
            Upstream::Cancel(request) => format!("-{}", request.topic()),
            Upstream::Message(message) => format!("{message:?}"),
        });
    }
    received.sort_unstable();
    received
}

fn with_each_digit(sign: &str) -> Vec<String> {
    digits().map(|digit| format!("{sign}{digit}")).collect()
}

fn digits() -> impl Iterator<Item = String> {
    (0..10).map(|digit: u32| digit.to_string())
}

fn only_connection(socket: &impl Socket) -> ConnectionId {
    socket.remotes().iter().next().unwrap().connection_id()
}

fn number_in(message: &Multipart) -> u32 {
    std::str::from_utf8(&message[0]).unwrap().parse().unwrap()
}

/// What an XSUB sends to an XPUB.
fn user_message() -> Multipart {
    ["user", "", "message"].into()
}
