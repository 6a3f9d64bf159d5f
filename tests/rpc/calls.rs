//! Each caller gets its own reply.

use std::time::Duration;

use tokio_zmtp::rpc::{CallError, Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Server};

#[tokio::test]
async fn every_call_gets_its_own_reply_in_whatever_order_they_come() {
    let server = Server::bind("tcp://127.0.0.1:*").await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let responder = Responder::new(server);
    tokio::spawn(responder.serve(service_fn(|request: Request| async move {
        let millis: u64 = request.body().to_str().unwrap().parse().unwrap();
        if millis % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(20 - millis)).await;
        }
        Ok::<_, Failure>(request.into_body())
    })));
    let requester = Requester::new(Client::connect(endpoint).await.unwrap());
    let calls = (0..20).map(|number: u64| requester.call(number.to_string()));
    let replies = futures::future::join_all(calls).await;
    for (number, reply) in replies.into_iter().enumerate() {
        assert_eq!(reply.unwrap(), number.to_string());
    }
    assert!(requester.stats().is_balanced());
    assert_eq!(requester.stats().answered, 20);
    assert!(responder.stats().is_balanced());
    assert_eq!(responder.stats().answered, 20);
    requester.close().await;
    assert_eq!(requester.call("1").await, Err(CallError::Closed));
}
