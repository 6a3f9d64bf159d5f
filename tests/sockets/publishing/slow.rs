//! Policies for subscribers that do not read.

use tokio_zmtp::monitor::DropCause;
use tokio_zmtp::{Pub, SlowSubscriber, Sub};

use super::drops::stuck;
use super::{bound, subscriber};
use crate::events;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_full_subscriber_misses_the_oldest_messages() {
    let _watchdog = Watchdog::start();
    for padding in [0, 1_000] {
        let builder = Pub::builder().slow_subscriber(SlowSubscriber::DropOldest);
        let publisher = builder.send_hwm(2).build();
        let endpoint = bound(&publisher).await;
        let mut monitor = publisher.monitor();
        let mut stuck = stuck(&publisher, "a").await;
        let stuck_id = publisher.remotes().iter().next().unwrap().connection_id();
        let mut reading = subscriber(&endpoint, &["a"]).await;
        let padding = "x".repeat(padding);
        for number in ["1", "2", "3", "4", "5"] {
            publisher.try_send(["a", number, &padding]).unwrap();
            reading.read_frame().await;
            assert_eq!(reading.read_frame().await.1, number.as_bytes());
            reading.read_message().await;
        }
        assert_eq!(publisher.full_subscribers("a").len(), 1);
        assert_eq!(publisher.remotes().stats(stuck_id).unwrap().missed, 3);
        assert_eq!(publisher.stats().dropped.missed, 3);
        let (_, reported, _) = events::until_dropped(&mut monitor, 1, DropCause::QueueFull).await;
        assert_eq!(reported, Some(stuck_id));

        stuck.read_frame().await;
        for number in ["4", "5"] {
            stuck.read_frame().await;
            assert_eq!(stuck.read_frame().await.1, number.as_bytes());
            stuck.read_message().await;
        }
    }
}

#[tokio::test]
async fn a_sub_in_this_process_misses_the_oldest_messages() {
    let _watchdog = Watchdog::start();
    let builder = Pub::builder().slow_subscriber(SlowSubscriber::DropOldest);
    let publisher = builder.send_hwm(2).build();
    publisher.bind("inproc://drop-oldest").await.unwrap();
    let sub = Sub::builder().recv_hwm(1).build();
    sub.subscribe("a").unwrap();
    sub.connect("inproc://drop-oldest").await.unwrap();
    publisher.subscribed("a").await.unwrap();
    for number in 1..=6 {
        publisher.send(format!("a{number}")).await.unwrap();
    }
    for expected in ["a1", "a5", "a6"] {
        assert_eq!(sub.recv().await.unwrap(), [expected]);
    }
    assert_eq!(publisher.stats().dropped.missed, 3);
}
