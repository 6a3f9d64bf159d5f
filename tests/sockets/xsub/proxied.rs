//! Proxies that forward what an XSUB receives.

use tokio_zmtp::{Pub, Pull, Push, Sub, XSub, proxy};

use crate::publishing::until_subscribed;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_proxy_publishes_what_an_xsub_receives() {
    let _watchdog = Watchdog::start();
    let (source, frontend, backend, capture) = (Pub::new(), XSub::new(), Pub::new(), Push::new());
    frontend.subscribe("a").unwrap();
    frontend.connect(source.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    let sub = Sub::builder().subscribe("a1".parse().unwrap()).build();
    sub.connect(backend.bind("inproc://from-an-xsub").await.unwrap()).await.unwrap();
    let copies = Pull::new();
    copies.connect(capture.bind("inproc://copies-of-an-xsub").await.unwrap()).await.unwrap();
    until_subscribed(&source, "a", 1).await;
    until_subscribed(&backend, "a1", 1).await;
    let running = proxy(&backend, &frontend).capture(&capture);
    let handle = running.handle();
    let forwarding = tokio::spawn(running);
    for message in [["a2", "x"], ["b1", "y"], ["a1", "z"]] {
        source.send(message).await.unwrap();
    }
    assert_eq!(sub.recv().await.unwrap(), ["a1", "z"]);
    assert_eq!(copies.recv().await.unwrap(), ["a2", "x"]);
    assert_eq!(copies.recv().await.unwrap(), ["a1", "z"]);
    assert_eq!(handle.stats().to_frontend.messages, 2);
    frontend.close().await;
    forwarding.await.unwrap();
}

#[tokio::test]
async fn a_proxy_distributes_what_an_xsub_receives() {
    let _watchdog = Watchdog::start();
    let (source, frontend, backend) = (Pub::new(), XSub::new(), Push::new());
    frontend.subscribe("").unwrap();
    frontend.connect(source.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    let pull = Pull::new();
    pull.connect(backend.bind("inproc://push-from-an-xsub").await.unwrap()).await.unwrap();
    until_subscribed(&source, "a", 1).await;
    let running = proxy(&frontend, &backend);
    let handle = running.handle();
    let forwarding = tokio::spawn(running);
    // Here, a received message in the form of a subscription is an ordinary message.
    for message in [["a", "x"].into(), tokio_zmtp::Multipart::from("\x01b")] {
        source.send(message.clone()).await.unwrap();
        assert_eq!(pull.recv().await.unwrap(), message);
    }
    assert_eq!(frontend.subscriptions(), [""]);
    handle.stop();
    forwarding.await.unwrap();
}
