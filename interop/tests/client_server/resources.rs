//! Ports that several of our sockets share, with a remote that does not support resources.

use tokio_zmtp::Server;

use crate::ours::{self, OurServer};
use crate::pairing::{ANY_PORT, ClientSide, DEFAULT_HWM, ServerSide, Side, greet, guarded};
use crate::theirs;

#[tokio::test]
async fn a_client_reaches_the_server_without_a_resource() {
    guarded(async {
        let orders = Server::builder().bind("tcp://127.0.0.1:*/orders").await.unwrap();
        let endpoint = orders.last_endpoint().unwrap().to_string();
        let port = endpoint.strip_suffix("/orders").unwrap();
        let server = OurServer(Server::builder().bind(port).await.unwrap());
        for _ in 0..10 {
            let client = theirs::client(DEFAULT_HWM);
            client.connect(port).await;
            greet(&client, &server).await;
        }
        assert_eq!(orders.stats().connected, 0);
    })
    .await;
}

#[tokio::test]
async fn a_server_ignores_the_resource_that_our_client_requests() {
    guarded(async {
        let server = theirs::server(DEFAULT_HWM);
        let endpoint = server.bind(ANY_PORT).await;
        let client = ours::client(DEFAULT_HWM);
        client.connect(&format!("{endpoint}/orders")).await;
        let id = greet(&client, &server).await;
        server.route(id, b"reply").await;
        assert_eq!(client.recv().await, b"reply");
    })
    .await;
}
