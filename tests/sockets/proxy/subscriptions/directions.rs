//! The directions between an XSUB or another source and an XPUB, and copies of their messages.

use tokio_zmtp::{Pub, Pull, Push, Sub, XPub, XSub, proxy};

use super::request;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn either_socket_can_be_the_frontend_and_a_capture_receives_both_directions() {
    let _watchdog = Watchdog::start();
    for is_frontend in [true, false] {
        let publisher = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
        let xsub = XSub::builder().connect(publisher.last_endpoint().unwrap()).await.unwrap();
        let xpub = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
        let (capture, copies) = (Push::new(), Pull::new());
        copies.connect(capture.bind("ipc://*").await.unwrap()).await.unwrap();
        let running = if is_frontend { proxy(&xsub, &xpub) } else { proxy(&xpub, &xsub) };
        let running = running.capture(&capture);
        let handle = running.handle();
        let task = tokio::spawn(running);

        let sub = XSub::builder().connect(xpub.last_endpoint().unwrap()).await.unwrap();
        sub.subscribe("a").unwrap();
        assert_eq!(request(&publisher).await, "+a");
        assert_eq!(copies.recv().await.unwrap(), ["\x01a"]);
        publisher.send(["a", "x"]).await.unwrap();
        assert_eq!(sub.recv().await.unwrap(), ["a", "x"]);
        assert_eq!(copies.recv().await.unwrap(), ["a", "x"]);
        sub.send(["user", "y"]).await.unwrap();
        assert_eq!(copies.recv().await.unwrap(), ["user", "y"]);
        assert!(sub.unsubscribe("a"));
        assert_eq!(copies.recv().await.unwrap(), ["\x00a"]);
        let stats = handle.stats();
        let (down, up) = (stats.to_backend.messages, stats.to_frontend.messages);
        assert_eq!(if is_frontend { (down, up) } else { (up, down) }, (1, 3));
        handle.stop();
        task.await.unwrap();
    }
}

/// The application receives the requests of the subscribers, which are not forwarded.
#[tokio::test]
async fn a_pull_and_a_sub_are_published_by_an_xpub() {
    let _watchdog = Watchdog::start();
    let (push, pull) = (Push::new(), Pull::new());
    push.connect(pull.bind("inproc://to-an-xpub").await.unwrap()).await.unwrap();
    let (source, frontend) = (Pub::new(), Sub::builder().subscribe("a".parse().unwrap()).build());
    frontend.connect(source.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    source.subscribed("a").await.unwrap();
    let xpub = XPub::new();
    let sub = Sub::builder().subscribe("".parse().unwrap()).build();
    sub.connect(xpub.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    assert_eq!(request(&xpub).await, "+");
    let tasks = [tokio::spawn(proxy(&pull, &xpub)), tokio::spawn(proxy(&xpub, &frontend))];
    push.send(["pushed", "x"]).await.unwrap();
    assert_eq!(sub.recv().await.unwrap(), ["pushed", "x"]);
    source.send(["b", "y"]).await.unwrap();
    source.send(["a", "z"]).await.unwrap();
    assert_eq!(sub.recv().await.unwrap(), ["a", "z"]);
    assert!(sub.unsubscribe(""));
    assert_eq!(request(&xpub).await, "-");
    assert_eq!(frontend.subscriptions(), ["a"]);
    for (task, socket) in tasks.into_iter().zip([pull.close().await, frontend.close().await]) {
        assert_eq!(socket.undelivered, 0);
        task.await.unwrap();
    }
}

/// A proxy that ends leaves the subscriptions to the next one between the same sockets.
#[tokio::test]
async fn a_second_proxy_continues_with_the_subscriptions_of_the_first() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let xsub = XSub::builder().connect(publisher.last_endpoint().unwrap()).await.unwrap();
    let xpub = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let [first, second] = [(); 2].map(|()| proxy(&xsub, &xpub));
    let handle = first.handle();
    let first = tokio::spawn(first);
    let subs = [Sub::new(), Sub::new()];
    for (sub, topic) in subs.iter().zip(["a", "b"]) {
        sub.connect(xpub.last_endpoint().unwrap()).await.unwrap();
        sub.subscribe(topic).unwrap();
        assert_eq!(request(&publisher).await, format!("+{topic}"));
    }
    handle.stop();
    first.await.unwrap();
    // Nothing is lost in between.
    assert!(subs[0].unsubscribe("a"));
    subs[1].subscribe("c").unwrap();
    assert_eq!(xsub.subscriptions(), ["a", "b"]);
    let second = tokio::spawn(second);
    let mut requests = [request(&publisher).await, request(&publisher).await];
    requests.sort_unstable();
    assert_eq!(requests, ["+c", "-a"]);
    assert_eq!(xsub.subscriptions(), ["b", "c"]);
    second.abort();
}
