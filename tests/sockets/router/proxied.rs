//! A proxy between a router and a dealer.

use tokio_zmtp::{Dealer, Pull, Push, Rep, Req, Router, proxy};

use super::*;
use crate::transports::over_every_transport;
use crate::watchdog::Watchdog;

over_every_transport!(requests_and_replies_pass_a_broker);

async fn requests_and_replies_pass_a_broker(transport: Transport) {
    let _watchdog = Watchdog::start();
    let (frontend, for_clients) = bound(Router::builder(), transport).await;
    let backend = Dealer::new();
    let for_workers = backend.bind(transport.any()).await.unwrap();
    let broker = proxy(&frontend, &backend);
    let handle = broker.handle();
    tokio::spawn(broker);

    for _ in 0..2 {
        let worker = Rep::builder().connect(&for_workers).await.unwrap();
        tokio::spawn(async move {
            while let Ok((request, mut replier)) = worker.recv().await {
                replier.reply(request).await.unwrap();
            }
        });
    }
    let clients = (0..3).map(async |client| {
        let req = Req::builder().connect(&for_clients).await.unwrap();
        for number in 0..20 {
            let request = [format!("{client}"), format!("{number}")];
            assert_eq!(req.request(request.clone()).await.unwrap(), request);
        }
    });
    futures::future::join_all(clients).await;
    let stats = handle.stats();
    assert_eq!((stats.to_backend.messages, stats.to_frontend.messages), (60, 60));
    assert_eq!(stats.unroutable.messages, 0);
}

#[tokio::test]
async fn replies_to_remotes_that_have_left_are_counted() {
    let _watchdog = Watchdog::start();
    let (frontend, for_clients) = bound(Router::builder(), Transport::Tcp).await;
    let backend = Dealer::new();
    let worker = Dealer::new();
    worker.connect(backend.bind(Transport::Tcp.any()).await.unwrap()).await.unwrap();
    let capture = Push::new();
    let captured = Pull::new();
    captured.connect(capture.bind(Transport::Inproc.any()).await.unwrap()).await.unwrap();
    capture.remotes().connected().await.unwrap();
    let broker = proxy(&frontend, &backend).capture(&capture);
    let handle = broker.handle();
    tokio::spawn(broker);

    let client = connected("client", &for_clients).await;
    client.send(["", "request"]).await.unwrap();
    assert_eq!(worker.recv().await.unwrap(), ["client", "", "request"]);
    assert_eq!(captured.recv().await.unwrap(), ["client", "", "request"]);
    worker.send(["client", "", "reply"]).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), ["", "reply"]);
    assert_eq!(captured.recv().await.unwrap(), ["client", "", "reply"]);

    // An unknown identity, and messages without an identity or without another part.
    for message in [&["unknown", "", "reply"][..], &["", "reply"], &["client"]] {
        worker.send(message.iter().copied().collect::<tokio_zmtp::Multipart>()).await.unwrap();
    }
    while handle.stats().unroutable.messages < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(frontend.stats().dropped.unroutable, 3);
    worker.send(["client", "another"]).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), ["another"]);
}
