//! Each end reads the metadata that the other announces.

use interop::{BytesOption, Message};
use tokio_zmtp::{Client, SocketType};

use crate::ours::{self, OurClient};
use crate::pairing::{ANY_PORT, ClientSide, DEFAULT_HWM, Side, guarded};
use crate::theirs;

#[tokio::test]
async fn a_server_reads_what_our_client_announces() {
    guarded(async {
        let server = theirs::server(DEFAULT_HWM);
        let builder = Client::builder().metadata("X-Tenant", "blue").unwrap();
        let client = OurClient(builder.metadata("X-Zone", "north").unwrap().build());
        client.connect(&server.bind(ANY_PORT).await).await;
        client.send(b"hello").await;

        let message = theirs::recv_message(&server.0).await;
        assert_eq!(message.property("X-Tenant").as_deref(), Some("blue"));
        assert_eq!(message.property("X-Zone").as_deref(), Some("north"));
        assert_eq!(message.property("X-Other"), None);
        assert_eq!(message.property("Socket-Type").as_deref(), Some("CLIENT"));
        assert_eq!(message.property("Peer-Address").as_deref(), Some("127.0.0.1"));
    })
    .await;
}

#[tokio::test]
async fn our_server_reads_what_a_client_announces() {
    guarded(async {
        let server = ours::server(DEFAULT_HWM);
        let client = theirs::client(DEFAULT_HWM);
        client.0.set_bytes(BytesOption::Metadata, b"X-Tenant:blue").unwrap();
        client.0.set_bytes(BytesOption::Metadata, b"X-Zone:north").unwrap();
        client.connect(&server.bind(ANY_PORT).await).await;
        client.send(b"hello").await;

        let (_, remote) = server.0.recv_from().await.unwrap();
        assert_eq!(remote.property("X-Tenant"), Some(&b"blue"[..]));
        assert_eq!(remote.property("x-zone"), Some(&b"north"[..]));
        assert_eq!(remote.socket_type(), Some(SocketType::Client));
        assert!(remote.address().unwrap().ip().is_loopback());
        assert_eq!(remote.user_id(), None);
    })
    .await;
}

#[test]
fn a_message_that_was_not_received_has_no_properties() {
    assert_eq!(Message::new().unwrap().property("Socket-Type"), None);
}
