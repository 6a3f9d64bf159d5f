//! Proxies of an XPUB that receives repeated requests.

use tokio::task;
use tokio_zmtp::{Verbosity, XPub, XSub};

use super::{Hop, request};
use crate::remote::{Remote, command};
use crate::watchdog::Watchdog;

/// A proxy forwards only changes of the set of topics. Otherwise, each repeated subscription would
/// be counted, and there would be fewer cancellations.
#[tokio::test]
async fn repeated_requests_are_not_forwarded() {
    let _watchdog = Watchdog::start();
    for verbosity in [Verbosity::Changes, Verbosity::Verbose, Verbosity::Verboser] {
        let publisher = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
        let backend = XPub::builder().verbosity(verbosity).bind("tcp://127.0.0.1:*").await.unwrap();
        let hop = Hop::with_backend(&publisher.last_endpoint().unwrap(), backend).await;
        let mut first = Remote::dial(&hop.endpoint).await;
        let mut second = Remote::dial(&hop.endpoint).await;
        for remote in [&mut first, &mut second] {
            remote.shake_hands("SUB").await;
            for topic in ["a", "a", "a"] {
                remote.write(&command("SUBSCRIBE", topic.as_bytes())).await;
            }
            remote.sync().await;
        }
        assert_eq!(request(&publisher).await, "+a");
        // The end of one of two subscriptions is not the end of the topic.
        first.write(&command("CANCEL", b"a")).await;
        first.write(&command("SUBSCRIBE", b"b")).await;
        assert_eq!(request(&publisher).await, "+b", "{verbosity:?}");
        hop.until_subscribed(&["a", "b"]).await;
        publisher.send("a").await.unwrap();
        assert_eq!(second.read_message().await, b"a");
        drop(second);
        assert_eq!(request(&publisher).await, "-a", "{verbosity:?}");
        drop(first);
        assert_eq!(request(&publisher).await, "-b");
        hop.until_subscribed(&[]).await;
        assert_eq!(hop.handle.stats().to_frontend.messages, 4, "{verbosity:?}");
        assert_eq!(hop.backend.stats().queued.incoming, 0);
    }
}

/// Two proxies into one XSUB: a topic is needed as long as subscribers of either need it.
#[tokio::test]
async fn subscriptions_of_two_backends_are_counted() {
    let _watchdog = Watchdog::start();
    let publisher = XPub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let frontend = XSub::builder().connect(publisher.last_endpoint().unwrap()).await.unwrap();
    let backends = [XPub::new(), XPub::new()];
    let mut subscribers = Vec::new();
    for backend in &backends {
        let endpoint = backend.bind("tcp://127.0.0.1:*").await.unwrap();
        tokio::spawn(tokio_zmtp::proxy(&frontend, backend));
        let mut remote = Remote::dial(&endpoint).await;
        remote.shake_hands("SUB").await;
        remote.write(&command("SUBSCRIBE", b"a")).await;
        backend.subscribed("a").await.unwrap();
        subscribers.push(remote);
    }
    assert_eq!(request(&publisher).await, "+a");
    while backends.iter().any(|backend| backend.stats().queued.incoming > 0) {
        task::yield_now().await;
    }
    let mut left = subscribers.pop().unwrap();
    subscribers.clear();
    while backends.iter().map(XPub::topics).sum::<usize>() > 1 {
        task::yield_now().await;
    }
    while backends.iter().any(|backend| backend.stats().queued.incoming > 0) {
        task::yield_now().await;
    }
    assert_eq!(frontend.subscriptions(), ["a"]);
    left.write(&command("CANCEL", b"a")).await;
    assert_eq!(request(&publisher).await, "-a");
    assert!(frontend.subscriptions().is_empty());
}
