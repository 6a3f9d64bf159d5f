//! A server whose client shows that it still works.

use tokio_zmtp::{Builder, Client, Endpoint, Server};

/// A server and a well-behaved client.
pub(crate) struct Served {
    pub(crate) server: Server,
    pub(crate) endpoint: Endpoint,
    client: Client,
}

impl Served {
    pub(crate) async fn new() -> Self {
        Self::with(Server::builder()).await
    }

    pub(crate) async fn with(builder: Builder<Server>) -> Self {
        let server = builder.bind("tcp://127.0.0.1:*").await.unwrap();
        let endpoint = server.last_endpoint().unwrap();
        let client = Client::new();
        client.connect(endpoint.clone()).await.unwrap();
        let served = Self { server, endpoint, client };
        served.assert_in_use().await;
        served
    }

    pub(crate) async fn assert_in_use(&self) {
        self.client.send("request").await.unwrap();
        let request = self.server.recv().await.unwrap();
        assert_eq!(request, "request");
        self.server.reply(&request, "reply").await.unwrap();
        assert_eq!(self.client.recv().await.unwrap(), "reply");
    }
}
