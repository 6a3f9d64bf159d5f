//! The bytes between a publisher and remotes of other implementations. Most tests apply to PUB and
//! XPUB.

use tokio_zmtp::Pub;
use tokio_zmtp::monitor::{DisconnectReason, DropCause};

use super::{Publisher, bound, for_either_publisher, subscriber};
use crate::events;
use crate::remote::{LONG, MORE, Remote, RemoteListener, command, message};
use crate::watchdog::Watchdog;

for_either_publisher!(remotes_of_both_versions_subscribe_and_cancel_in_both_forms);

/// The bytes of `test_mock_pub_sub` of libzmq, for a subscriber of each version.
async fn remotes_of_both_versions_subscribe_and_cancel_in_both_forms<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let publisher = P::new();
    let endpoint = bound(&publisher).await;
    let forms: [[&[u8]; 2]; 2] =
        [[b"\x04\x0b\x09SUBSCRIBEA", b"\x04\x08\x06CANCELA"], [b"\x00\x02\x01A", b"\x00\x02\x00A"]];
    for minor in [0, 1] {
        for [subscribe, cancel] in forms {
            let mut remote = Remote::dial(&endpoint).await;
            remote.shake_hands_as("SUB", minor).await;
            remote.write(subscribe).await;
            publisher.until_requested("A").await;
            publisher.send("ALOL").await.unwrap();
            publisher.send("not for it").await.unwrap();
            publisher.send(["A", "two"]).await.unwrap();
            assert_eq!(remote.read(14).await, b"\x00\x04ALOL\x01\x01A\x00\x03two");
            remote.write(cancel).await;
            publisher.until_cancelled("A").await;
            assert_eq!(publisher.subscribers("A"), 0);
        }
    }
}

for_either_publisher!(a_topic_that_was_subscribed_twice_is_cancelled_once);

/// A PUB of libzmq also keeps a set of topics for each remote.
async fn a_topic_that_was_subscribed_twice_is_cancelled_once<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let publisher = P::new();
    let mut remote = subscriber(&bound(&publisher).await, &["a", "a", "b"]).await;
    for topic in ["a", "never subscribed"] {
        remote.write(&command("CANCEL", topic.as_bytes())).await;
    }
    remote.sync().await;
    assert_eq!(["a", "b"].map(|topic| publisher.subscribers(topic)), [0, 1]);
    publisher.send("a").await.unwrap();
    publisher.send("b").await.unwrap();
    assert_eq!(remote.read_message().await, b"b");
}

for_either_publisher!(a_message_with_several_matching_topics_is_sent_once);

async fn a_message_with_several_matching_topics_is_sent_once<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let publisher = P::new();
    let mut remote = subscriber(&bound(&publisher).await, &["", "news", "news.x"]).await;
    publisher.send("news.x").await.unwrap();
    publisher.send(["", "news"]).await.unwrap();
    assert_eq!(remote.read(13).await, b"\x00\x06news.x\x01\x00\x00\x04n");
    assert_eq!(publisher.stats().sent.messages, 2);
}

for_either_publisher!(topics_are_any_bytes_of_up_to_32_kib);

async fn topics_are_any_bytes_of_up_to_32_kib<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let publisher = P::new();
    let mut remote = subscriber(&bound(&publisher).await, &[]).await;
    let topics = [vec![0], vec![0xFF; 0x8000]];
    for topic in &topics {
        remote.write(&command("SUBSCRIBE", topic)).await;
        remote.sync().await;
        assert_eq!(publisher.subscribers(topic), 1);
        assert_eq!(publisher.subscribers(&topic[1..]), 0);
    }
    for topic in topics {
        publisher.send(&topic[..]).await.unwrap();
        assert_eq!(remote.read_frame().await.1, topic);
    }
}

for_either_publisher!(a_subscription_that_is_not_valid_ends_the_connection);

async fn a_subscription_that_is_not_valid_ends_the_connection<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let publisher = P::limited(2, usize::MAX).build();
    let endpoint = bound(&publisher).await;
    for form in [command("SUBSCRIBE", &[b'x'; 0x8001]), message(&[0x01; 0x8002])] {
        let mut monitor = publisher.monitor();
        let mut remote = subscriber(&endpoint, &["a"]).await;
        remote.write(&form).await;
        let reason = events::until_disconnected(&mut monitor).await;
        assert!(matches!(reason, DisconnectReason::Protocol(_)), "{reason:?}");
    }
    let mut monitor = publisher.monitor();
    let mut remote = subscriber(&endpoint, &["a", "b", "a"]).await;
    remote.write(&command("SUBSCRIBE", b"c")).await;
    let reason = events::until_disconnected(&mut monitor).await;
    assert!(matches!(reason, DisconnectReason::TooManyTopics), "{reason:?}");
    assert_eq!(publisher.subscribers("a"), 0);
    assert_eq!(publisher.stats().refused.too_many_topics, 1);
}

for_either_publisher!(the_longest_message_limits_subscriptions_only_in_the_form_of_messages);

async fn the_longest_message_limits_subscriptions_only_in_the_form_of_messages<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let publisher = P::builder().max_message_size(5).build();
    let endpoint = bound(&publisher).await;
    let mut monitor = publisher.monitor();
    let mut remote = subscriber(&endpoint, &["longer", "topics"]).await;
    remote.write(&message(b"\x01four")).await;
    remote.sync().await;
    for topic in ["longer", "topics", "four"] {
        assert_eq!(publisher.subscribers(topic), 1);
    }
    remote.write(&message(b"\x01fiver")).await;
    let reason = events::until_disconnected(&mut monitor).await;
    let too_large = DisconnectReason::MessageTooLarge { size: 6, limit: 5 };
    assert_eq!(reason.to_string(), too_large.to_string());
}

/// RFC 29: "SHALL silently discard any messages that subscribers send it".
#[tokio::test]
async fn messages_to_a_publisher_are_counted_and_dropped() {
    let _watchdog = Watchdog::start();
    let publisher = Pub::new();
    let endpoint = bound(&publisher).await;
    let mut monitor = publisher.monitor();
    let mut remote = subscriber(&endpoint, &[]).await;
    let mut parts = message(b"\x01not a subscription");
    parts[0] |= MORE;
    parts.extend(message(b"a second part"));
    for bytes in [message(b"user"), message(b""), parts] {
        remote.write(&bytes).await;
    }
    remote.sync().await;
    drop(remote);
    events::until_dropped(&mut monitor, 3, DropCause::Unread).await;
    assert_eq!(publisher.stats().dropped.unread, 3);
}

#[tokio::test]
async fn a_connection_begins_without_the_topics_of_the_one_before() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let publisher = Pub::builder().reconnect_interval(std::time::Duration::from_millis(1)).build();
    publisher.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SUB").await;
    remote.write(&[command("SUBSCRIBE", b"a"), command("SUBSCRIBE", b"b")].concat()).await;
    remote.sync().await;
    drop(remote);
    while !publisher.remotes().is_empty() {
        tokio::task::yield_now().await;
    }
    publisher.send(["a", "queued"]).await.unwrap();
    let mut remote = listener.accept_as("SUB").await;
    assert_eq!(remote.read(11).await, b"\x01\x01a\x00\x06queued");
    remote.write(&command("SUBSCRIBE", b"b")).await;
    remote.sync().await;
    assert_eq!(["a", "b"].map(|topic| publisher.subscribers(topic)), [0, 1]);
}

for_either_publisher!(the_topics_of_an_earlier_connection_do_not_count);

/// The limit of all remotes admits a long topic only without most of the earlier ones.
async fn the_topics_of_an_earlier_connection_do_not_count<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let publisher = P::limited(usize::MAX, 10_000)
        .reconnect_interval(std::time::Duration::from_millis(1))
        .build();
    publisher.connect(listener.endpoint()).await.unwrap();
    let mut remote = listener.accept_as("SUB").await;
    for topic in 0..20 {
        remote.write(&command("SUBSCRIBE", &[topic])).await;
    }
    remote.sync().await;
    drop(remote);
    let mut remote = listener.accept_as("SUB").await;
    remote.sync().await;
    let long = "x".repeat(9_000);
    let _other = subscriber(&bound(&publisher).await, &[&long]).await;
    assert_eq!(publisher.subscribers(long), 1);
}

for_either_publisher!(a_long_message_is_sent_unchanged);

async fn a_long_message_is_sent_unchanged<P: Publisher>() {
    let _watchdog = Watchdog::start();
    let publisher = P::new();
    let mut remotes = Vec::new();
    let endpoint = bound(&publisher).await;
    for _ in 0..3 {
        remotes.push(subscriber(&endpoint, &["long"]).await);
    }
    let body = vec![b'x'; 100_000];
    publisher.send(("long", &body[..])).await.unwrap();
    for remote in &mut remotes {
        assert_eq!(remote.read_frame().await, (MORE, b"long".to_vec()));
        assert_eq!(remote.read_frame().await, (LONG, body.clone()));
    }
}
