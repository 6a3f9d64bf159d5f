//! The bytes between a DEALER and its remotes.

use tokio_zmtp::Dealer;

use crate::remote::{MORE, Remote, RemoteListener};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn each_legal_remote_is_accepted_and_receives_the_parts_as_sent() {
    let _watchdog = Watchdog::start();
    for socket_type in ["DEALER", "ROUTER", "REP"] {
        let dealer = Dealer::new();
        let endpoint = dealer.bind("tcp://127.0.0.1:*").await.unwrap();
        let mut remote = Remote::dial(&endpoint).await;
        remote.shake_hands(socket_type).await;
        dealer.send(["", "request", ""]).await.unwrap();
        assert_eq!(remote.read_frame().await, (MORE, Vec::new()));
        assert_eq!(remote.read_frame().await, (MORE, b"request".to_vec()));
        assert_eq!(remote.read_frame().await, (0, Vec::new()));
        remote.write(b"\x01\x00\x01\x05reply\x00\x00").await;
        assert_eq!(dealer.recv().await.unwrap(), ["", "reply", ""]);
    }
}

/// A ROUTER returns the envelopes of several requests in any order.
#[tokio::test]
async fn any_number_of_requests_can_be_outstanding() {
    let _watchdog = Watchdog::start();
    let listener = RemoteListener::bind();
    let dealer = Dealer::builder().connect(listener.endpoint()).await.unwrap();
    let mut router = listener.accept_as("ROUTER").await;
    for number in 0..10_u8 {
        dealer.send([&[number][..], b"request"]).await.unwrap();
    }
    for number in 0..10_u8 {
        assert_eq!(router.read_frame().await, (MORE, vec![number]));
        assert_eq!(router.read_frame().await, (0, b"request".to_vec()));
    }
    for number in (0..10_u8).rev() {
        router.write(&[&[MORE, 1, number][..], b"\x00\x05reply"].concat()).await;
        assert_eq!(dealer.recv().await.unwrap(), [&[number][..], b"reply"]);
    }
}

#[tokio::test]
async fn a_remote_of_zmtp_3_0_exchanges_messages() {
    let _watchdog = Watchdog::start();
    let dealer = Dealer::new();
    let mut remote = Remote::dial(&dealer.bind("tcp://127.0.0.1:*").await.unwrap()).await;
    remote.shake_hands_as("ROUTER", 0).await;
    dealer.send("there").await.unwrap();
    assert_eq!(remote.read_message().await, b"there");
    remote.write(b"\x00\x04back").await;
    assert_eq!(dealer.recv().await.unwrap(), ["back"]);
}
