//! Subscribers that leave while messages wait for them.

use std::time::Duration;

use futures::poll;
use tokio_zmtp::{SlowSubscriber, Upstream, XPub};

use super::{bound, requests};
use crate::publishing::subscriber;
use crate::remote::{LONGER_THAN_BUFFERS, RemoteListener, command};
use crate::watchdog::Watchdog;

/// The publisher had connected to it: its queue remains, but the message is no longer for it.
#[tokio::test]
async fn a_sender_that_waits_for_a_subscriber_is_released_when_its_connection_ends() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let publisher = XPub::builder()
        .slow_subscriber(SlowSubscriber::Wait)
        .send_hwm(1)
        .reconnect_interval(Duration::from_secs(3_600))
        .build();
    publisher.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SUB").await;
    remote.write(&command("SUBSCRIBE", b"x")).await;
    assert_eq!(requests(&publisher).await, ["+x"]);
    publisher.send(vec![b'x'; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    publisher.send("x is queued").await.unwrap();
    let mut sending = Box::pin(publisher.send("x waits"));
    assert!(poll!(&mut sending).is_pending());
    drop(remote);
    sending.await.unwrap();
    assert_eq!(requests(&publisher).await, ["-x"]);
}

#[tokio::test]
async fn the_topics_of_a_remote_that_is_disconnected_end_before_its_queue_is_written() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().linger(None).build();
    let remote = subscriber(&bound(&publisher).await, &["x"]).await;
    let Upstream::Subscribe(request) = publisher.recv().await.unwrap() else { panic!() };
    publisher.send(vec![b'x'; LONGER_THAN_BUFFERS]).await.unwrap();
    remote.peek().await;
    assert!(publisher.remotes().disconnect(request.remote().connection_id()));
    assert_eq!(requests(&publisher).await, ["-x"]);
    drop(remote);
}
