//! This crate's calls: a requester and a responder, with default options.

use tokio_zmtp::rpc::{Failure as CallFailure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Message, Server};

use crate::Failure;
use crate::implementation::tokio_zmtp::TokioZmtp;
use crate::implementation::{Caller, Place, Rpc, expect_size};
use crate::report::Announce;

impl Rpc for TokioZmtp {
    type Caller = Calling;

    async fn respond(place: &Place, announce: Announce) -> Result<(), Failure> {
        let server = Server::new();
        let endpoint = server.bind("tcp://127.0.0.1:*").await?;
        announce.endpoint(&endpoint.to_string());
        let size = place.size;
        let echo = service_fn(move |request: Request| async move {
            let body = request.into_body();
            expect_size(body.len(), size)
                .map_err(|failure| CallFailure::application(1, failure.to_string()))?;
            Ok::<_, CallFailure>(body)
        });
        Responder::new(server).serve(echo).await;
        Ok(())
    }

    async fn caller(endpoint: &str, size: usize) -> Result<Calling, Failure> {
        let client = Client::new();
        client.connect(endpoint).await?;
        client.remotes().connected().await?;
        Ok(Calling { requester: Requester::new(client), body: Message::from(vec![7; size]) })
    }
}

/// The caller.
#[derive(Clone, Debug)]
pub(crate) struct Calling {
    requester: Requester,
    body: Message,
}

impl Caller for Calling {
    async fn call(&mut self) -> Result<(), Failure> {
        expect_size(self.requester.call(&self.body).await?.len(), self.body.len())
    }
}
