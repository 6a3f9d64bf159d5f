//! The requests that a publisher receives.

use futures::StreamExt;
use tokio_zmtp::{RecvError, TryRecvError, Verbosity, XPub};

use super::{requests, shown};
use crate::publishing::{bound, subscriber};
use crate::remote::{Remote, RemoteListener, command};
use crate::watchdog::Watchdog;

/// Two subscribers, of which one subscribes twice, cancels twice and cancels another topic, and the
/// other one leaves. (libzmq `test_xpub_verbose`.)
async fn requests_of_two(verbosity: Verbosity) -> Vec<String> {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().verbosity(verbosity).build();
    let endpoint = bound(&publisher).await;
    let mut a = subscriber(&endpoint, &["x", "x"]).await;
    let b = subscriber(&endpoint, &["x"]).await;
    for topic in ["x", "x", "never"] {
        a.write(&command("CANCEL", topic.as_bytes())).await;
    }
    a.sync().await;
    drop(b);
    while publisher.topics() > 0 {
        tokio::task::yield_now().await;
    }
    let mut received = Vec::new();
    while let Ok(upstream) = publisher.try_recv() {
        received.push(shown(&upstream));
    }
    received
}

#[tokio::test]
async fn by_default_only_changes_of_the_topics_are_received() {
    assert_eq!(requests_of_two(Verbosity::Changes).await, ["+x", "-x"]);
}

#[tokio::test]
async fn a_verbose_publisher_receives_every_subscription() {
    assert_eq!(requests_of_two(Verbosity::Verbose).await, ["+x", "+x", "+x", "-x"]);
}

#[tokio::test]
async fn a_verboser_publisher_receives_every_end_as_well() {
    assert_eq!(requests_of_two(Verbosity::Verboser).await, ["+x", "+x", "+x", "-x", "-x"]);
}

#[tokio::test]
async fn a_request_identifies_its_remote() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::new();
    let endpoint = bound(&publisher).await;
    let a = subscriber(&endpoint, &["a"]).await;
    let b = subscriber(&endpoint, &["b"]).await;
    for remote in [&a, &b] {
        let (upstream, sender) = publisher.recv_from().await.unwrap();
        let tokio_zmtp::Upstream::Subscribe(request) = upstream else { panic!("{upstream:?}") };
        assert_eq!(request.remote(), &sender);
        assert_eq!(sender.address(), Some(remote.address()));
    }
}

/// RFC 29: "SHALL generate an unsubscribe request" for a subscriber that disconnects.
#[tokio::test]
async fn a_remote_that_leaves_cancels_its_topics() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::new();
    let endpoint = bound(&publisher).await;
    let leaving = subscriber(&endpoint, &["a", "b", "c"]).await;
    let _staying = subscriber(&endpoint, &["b"]).await;
    assert_eq!(requests(&publisher).await, ["+a", "+b", "+c"]);
    drop(leaving);
    let mut cancelled: [_; 2] = requests(&publisher).await;
    cancelled.sort_unstable();
    assert_eq!(cancelled, ["-a", "-c"]);
    assert_eq!(publisher.topics(), 1);
    assert_eq!(publisher.subscribers("b"), 1);
}

/// Messages wait for the remote only if it has subscribed on the current connection.
#[tokio::test]
async fn the_subscriptions_of_a_dialed_remote_end_with_its_connection() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let interval = std::time::Duration::from_millis(1);
    let publisher = XPub::builder().reconnect_interval(interval).build();
    publisher.connect(listener.endpoint()).await.unwrap();
    for _ in 0..3 {
        let mut remote = listener.accept_as("SUB").await;
        remote.write(&command("SUBSCRIBE", b"a")).await;
        assert_eq!(requests(&publisher).await, ["+a"]);
        publisher.send("a1").await.unwrap();
        assert_eq!(remote.read_message().await, b"a1");
        drop(remote);
        assert_eq!(requests(&publisher).await, ["-a"]);
        publisher.send("a2").await.unwrap();
    }
}

#[tokio::test]
async fn requests_are_received_in_every_way() {
    let _watchdog = Watchdog::start();
    let mut publisher = XPub::new();
    let mut remote = subscriber(&bound(&publisher).await, &["a", "b", "c", "d"]).await;
    assert_eq!(shown(&publisher.next().await.unwrap()), "+a");
    assert_eq!(shown(&publisher.try_recv_from().unwrap().0), "+b");
    let mut many = Vec::new();
    assert_eq!(publisher.recv_many(&mut many, 10).await, Ok(2));
    assert_eq!(many.iter().map(shown).collect::<Vec<_>>(), ["+c", "+d"]);
    assert_eq!(publisher.try_recv().map(drop), Err(TryRecvError::Empty));

    let waiting = tokio::spawn({
        let publisher = publisher.clone();
        async move { shown(&publisher.recv().await.unwrap()) }
    });
    tokio::task::yield_now().await;
    subscribe(&mut remote, "e").await;
    assert_eq!(waiting.await.unwrap(), "+e");
}

#[tokio::test]
async fn requests_can_be_received_after_the_socket_is_closed() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::new();
    let remote = subscriber(&bound(&publisher).await, &["a", "b"]).await;
    publisher.close().await;
    drop(remote);
    assert_eq!(requests(&publisher).await, ["+a", "+b"]);
    assert_eq!(publisher.recv().await.map(drop), Err(RecvError::Closed));
}

async fn subscribe(remote: &mut Remote, topic: &str) {
    remote.write(&command("SUBSCRIBE", topic.as_bytes())).await;
}
