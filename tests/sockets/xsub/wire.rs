//! The bytes between an XSUB and publishers of other implementations.

use std::time::Duration;

use tokio_zmtp::{Multipart, SendError, Topic, TrySendError, XSub};

use crate::remote::{COMMAND, MORE, RemoteListener, command, message};
use crate::subscribing::{accept_as, connect_publisher};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn subscriptions_have_the_form_of_the_version_of_the_remote() {
    let _watchdog = Watchdog::start();
    let forms: [[&[u8]; 3]; 2] = [
        [b"\x00\x02\x01A", b"\x00\x02\x00A", b"\x00\x01\x01"],
        [b"\x04\x0B\x09SUBSCRIBEA", b"\x04\x08\x06CANCELA", b"\x04\x0A\x09SUBSCRIBE"],
    ];
    for (minor, [subscribe, cancel, all]) in (0..).zip(forms) {
        let listener = RemoteListener::bind();
        let builder = XSub::builder().heartbeat_interval(Duration::from_secs(60));
        let xsub = builder.connect(listener.endpoint()).await.unwrap();
        let mut remote = accept_as(&listener, "XPUB", minor).await;
        for subscribes_by_message in [true, false] {
            if subscribes_by_message {
                xsub.send(b"\x01A").await.unwrap();
            } else {
                xsub.subscribe("A").unwrap();
            }
            assert_eq!(remote.read(subscribe.len()).await, subscribe);
            remote.write(b"\x00\x04ALOL").await;
            assert_eq!(xsub.recv().await.unwrap(), ["ALOL"]);
            if subscribes_by_message {
                assert!(xsub.unsubscribe("A"));
            } else {
                xsub.send(b"\x00A").await.unwrap();
            }
            assert_eq!(remote.read(cancel.len()).await, cancel);
        }
        xsub.send(b"\x01").await.unwrap();
        assert_eq!(remote.read(all.len()).await, all);
    }
}

/// The first byte of a message of one part determines whether it is a subscription. The parts of a
/// longer message are never subscriptions.
#[tokio::test]
async fn other_messages_are_sent_unchanged() {
    let _watchdog = Watchdog::start();
    let xsub = XSub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = connect_publisher(&xsub, "XPUB").await;
    remote.sync().await;
    xsub.send("").await.unwrap();
    xsub.send("user").await.unwrap();
    xsub.send([&b"\x01p"[..], b"\x00q"]).await.unwrap();
    xsub.send(["", "\x01p"]).await.unwrap();
    let expected = b"\x00\x00\x00\x04user\x01\x02\x01p\x00\x02\x00q\x01\x00\x00\x02\x01p";
    assert_eq!(remote.read(expected.len()).await, expected);
    assert!(xsub.subscriptions().is_empty());
    assert_eq!(xsub.stats().sent.messages, 4);
}

#[tokio::test]
async fn a_subscription_whose_topic_is_too_long_is_returned() {
    let _watchdog = Watchdog::start();
    let xsub = XSub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = connect_publisher(&xsub, "XPUB").await;
    remote.sync().await;
    for first in [0, 1] {
        let body = |len| [&[first], &vec![b'x'; len][..]].concat();
        let message = Multipart::from(body(Topic::LEN_MAX + 1));
        let error = xsub.send(message.clone()).await.unwrap_err();
        assert_eq!(error, SendError::TooLong(message.clone()));
        assert_eq!(xsub.try_send(message.clone()), Err(TrySendError::TooLong(message)));
        xsub.send(body(Topic::LEN_MAX)).await.unwrap();
    }
    let topic = vec![b'x'; Topic::LEN_MAX];
    assert_eq!(xsub.subscriptions(), [Topic::try_from(&topic[..]).unwrap()]);
    let announced = command("SUBSCRIBE", &topic);
    assert!(remote.read(announced.len()).await == announced);
}

/// An XSUB does not filter: a proxy forwards what subscribers of any topic receive.
#[tokio::test]
async fn messages_that_match_no_subscription_are_received() {
    let _watchdog = Watchdog::start();
    let builder = XSub::builder().subscribe("a".parse().unwrap());
    let xsub = builder.bind("tcp://127.0.0.1:*").await.unwrap();
    let mut remote = connect_publisher(&xsub, "PUB").await;
    assert_eq!(remote.read_frame().await, (COMMAND, b"\x09SUBSCRIBEa".to_vec()));
    let mut parts = message(b"b");
    parts[0] |= MORE;
    remote.write(&[parts, message(b"body"), message(b""), message(b"\x01a")].concat()).await;
    assert_eq!(xsub.recv().await.unwrap(), ["b", "body"]);
    assert_eq!(xsub.recv().await.unwrap(), [""]);
    assert_eq!(xsub.recv().await.unwrap(), ["\x01a"]);
    assert_eq!(xsub.subscriptions(), ["a"]);
}
