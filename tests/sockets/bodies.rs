//! Requests and replies with bodies of many lengths.

use tokio_zmtp::{Client, Server};

/// Exchanges a request and a reply of each length.
pub(crate) async fn pass_both_ways(
    server: &Server,
    client: &Client,
    lens: impl IntoIterator<Item = usize>,
) {
    for len in lens {
        client.send(vec![7; len]).await.unwrap();
        let request = server.recv().await.unwrap();
        assert!(request == vec![7; len], "a request of {len} bytes");
        server.reply(&request, vec![8; len]).await.unwrap();
        assert!(client.recv().await.unwrap() == vec![8; len], "a reply of {len} bytes");
    }
}
