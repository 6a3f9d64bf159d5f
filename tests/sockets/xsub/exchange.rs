//! Messages between PUB and XSUB sockets of this crate.

use futures::StreamExt;
use tokio_zmtp::{Pub, TryRecvError, XSub};

use crate::over_transport::OverTransport;
use crate::publishing::until_subscribed;
use crate::transports::{Transport, over_every_transport_and_streams};
use crate::watchdog::Watchdog;

over_every_transport_and_streams!(an_xsub_receives_what_it_has_subscribed_to);

async fn an_xsub_receives_what_it_has_subscribed_to(transport: Transport) {
    let _watchdog = Watchdog::start();
    for publisher_binds in [true, false] {
        let (publisher, mut xsub) =
            (Pub::builder().over(transport).build(), XSub::builder().over(transport).build());
        xsub.subscribe("movies.").unwrap();
        if publisher_binds {
            let endpoint = publisher.bind(transport.any()).await.unwrap();
            transport.connect(&xsub, &publisher, endpoint).await;
        } else {
            let endpoint = xsub.bind(transport.any()).await.unwrap();
            transport.connect(&publisher, &xsub, endpoint).await;
        }
        until_subscribed(&publisher, "movies.", 1).await;
        // Both ways to subscribe and to unsubscribe change the same state.
        xsub.send(b"\x01tv.").await.unwrap();
        until_subscribed(&publisher, "tv.", 1).await;
        assert_eq!(xsub.subscriptions(), ["movies.", "tv."]);
        let long = vec![7; 0x1_0000];
        for message in [["tv.1", "Friends"], ["none", "x"], ["movies.1", "Godfather"]] {
            publisher.send(message).await.unwrap();
        }
        publisher.send([b"tv.", &long[..]]).await.unwrap();
        assert_eq!(xsub.recv().await.unwrap(), ["tv.1", "Friends"]);
        assert_eq!(xsub.next().await.unwrap(), ["movies.1", "Godfather"]);
        assert!(xsub.recv().await.unwrap() == [b"tv.", &long[..]]);
        assert!(xsub.unsubscribe("tv."));
        xsub.send(b"\x00movies.").await.unwrap();
        until_subscribed(&publisher, "movies.", 0).await;
        until_subscribed(&publisher, "tv.", 0).await;
        assert!(xsub.subscriptions().is_empty());
        assert_eq!(xsub.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(xsub.stats().sent.messages, 0, "subscriptions are not messages");
    }
}
