//! Automatic messages (hello, disconnect, hiccup) between the two libraries.

use interop::BytesOption;
use tokio_zmtp::{Client, Server};

use crate::ours::{self, OurClient, OurServer};
use crate::pairing::{ANY_PORT, ClientSide, DEFAULT_HWM, ServerSide, Side, greet, guarded};
use crate::theirs;

#[tokio::test]
async fn a_server_receives_the_hello_of_our_client_on_every_connection() {
    guarded(async {
        let server = theirs::server(DEFAULT_HWM);
        let client = OurClient(Client::builder().hello_message("hello").build());
        client.connect(&server.bind(ANY_PORT).await).await;
        let (hello, first) = server.recv().await;
        assert_eq!(hello, b"hello");

        client.0.remotes().connected().await.unwrap();
        assert!(client.0.remotes().disconnect(client.0.remotes().list()[0].connection_id()));
        let (hello, second) = server.recv().await;
        assert_eq!(hello, b"hello");
        assert_ne!(first, second);
    })
    .await;
}

#[tokio::test]
async fn our_server_receives_the_hello_of_a_client_on_every_connection() {
    guarded(async {
        let server = ours::server(DEFAULT_HWM);
        let client = theirs::client(DEFAULT_HWM);
        client.0.set_bytes(BytesOption::HelloMessage, b"hello").unwrap();
        client.connect(&server.bind(ANY_PORT).await).await;
        let (hello, first) = server.recv().await;
        assert_eq!(hello, b"hello");

        assert!(server.0.remotes().disconnect(first));
        let (hello, second) = server.recv().await;
        assert_eq!(hello, b"hello");
        assert_ne!(first, second);
    })
    .await;
}

#[tokio::test]
async fn clients_receive_the_hello_of_a_server() {
    guarded(async {
        let server = OurServer(Server::builder().hello_message("hello").build());
        let client = theirs::client(DEFAULT_HWM);
        client.connect(&server.bind(ANY_PORT).await).await;
        assert_eq!(client.recv().await, b"hello");

        let server = theirs::server(DEFAULT_HWM);
        server.0.set_bytes(BytesOption::HelloMessage, b"hello").unwrap();
        let client = ours::client(DEFAULT_HWM);
        client.connect(&server.bind(ANY_PORT).await).await;
        assert_eq!(client.recv().await, b"hello");
    })
    .await;
}

#[tokio::test]
async fn servers_receive_the_disconnect_message_of_a_client_that_leaves() {
    guarded(async {
        let server = OurServer(Server::builder().disconnect_message("gone").build());
        let client = theirs::client(DEFAULT_HWM);
        client.connect(&server.bind(ANY_PORT).await).await;
        let id = greet(&client, &server).await;
        drop(client);
        assert_eq!(server.recv().await, (b"gone".to_vec(), id));

        let server = theirs::server(DEFAULT_HWM);
        server.0.set_bytes(BytesOption::DisconnectMessage, b"gone").unwrap();
        let client = ours::client(DEFAULT_HWM);
        client.connect(&server.bind(ANY_PORT).await).await;
        let id = greet(&client, &server).await;
        client.0.close().await;
        assert_eq!(server.recv().await, (b"gone".to_vec(), id));
    })
    .await;
}

#[tokio::test]
async fn clients_receive_the_hiccup_message_when_their_connection_is_lost() {
    guarded(async {
        let server = theirs::server(DEFAULT_HWM);
        let client = OurClient(Client::builder().hiccup_message("hiccup").build());
        client.connect(&server.bind(ANY_PORT).await).await;
        greet(&client, &server).await;
        drop(server);
        assert_eq!(client.recv().await, b"hiccup");

        let server = ours::server(DEFAULT_HWM);
        let client = theirs::client(DEFAULT_HWM);
        client.0.set_bytes(BytesOption::HiccupMessage, b"hiccup").unwrap();
        client.connect(&server.bind(ANY_PORT).await).await;
        greet(&client, &server).await;
        server.0.close().await;
        assert_eq!(client.recv().await, b"hiccup");
    })
    .await;
}
