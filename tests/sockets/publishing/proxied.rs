//! Publishers as the destination and as the capture of a proxy.

use tokio_zmtp::{Pub, Pull, Push, SlowSubscriber, proxy};

use super::{bound, subscriber};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_proxy_publishes_what_a_pull_receives() {
    let _watchdog = Watchdog::start();
    let (pull, publisher, capture) = (Pull::new(), Pub::new(), Pub::new());
    let push = Push::new();
    push.connect(pull.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    let mut remote = subscriber(&bound(&publisher).await, &["a"]).await;
    let mut captured = subscriber(&bound(&capture).await, &["b"]).await;
    let forwarding = proxy(&pull, &publisher).capture(&capture);
    let mut forwarding = Box::pin(forwarding.into_future());
    for message in [["a1", "x"], ["b1", "y"], ["a2", "z"]] {
        push.send(message).await.unwrap();
    }
    tokio::select! {
        _ = &mut forwarding => panic!("the proxy has ended"),
        read = remote.read(14) => assert_eq!(read, b"\x01\x02a1\x00\x01x\x01\x02a2\x00\x01z"),
    }
    tokio::select! {
        _ = &mut forwarding => panic!("the proxy has ended"),
        read = captured.read(7) => assert_eq!(read, b"\x01\x02b1\x00\x01y"),
    }
}

#[tokio::test]
async fn without_drops_messages_stay_with_the_pull_while_a_subscriber_is_full() {
    let _watchdog = Watchdog::start();
    let (pull, publisher) =
        (Pull::new(), Pub::builder().slow_subscriber(SlowSubscriber::Wait).send_hwm(1).build());
    let push = Push::new();
    push.connect(pull.bind("inproc://published-without-drops").await.unwrap()).await.unwrap();
    bound(&publisher).await;
    let mut stuck = super::drops::stuck(&publisher, "a").await;
    let mut forwarding = Box::pin(proxy(&pull, &publisher).into_future());
    for message in ["a1", "a2", "a3"] {
        push.send(message).await.unwrap();
    }
    for _ in 0..10 {
        assert!(futures::poll!(&mut forwarding).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!((publisher.stats().queued.outgoing, publisher.stats().dropped.missed), (1, 0));
    tokio::select! {
        _ = &mut forwarding => panic!("the proxy has ended"),
        () = async {
            stuck.read_frame().await;
            for message in [b"a1", b"a2", b"a3"] {
                assert_eq!(stuck.read_message().await, message);
            }
        } => {}
    }
}
