//! The transport `ws` of libzmq, and ours.

use interop::{Socket, SocketType};
use tokio_zmtp::{Client, Dealer, Pair, Pub, Pull, Push, Router, Server, Sub};

use crate::credentials::Credentials;
use crate::pairing::guarded;
use crate::theirs;

/// The side that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listens {
    Ours,
    Theirs,
}

const EITHER: [Listens; 2] = [Listens::Ours, Listens::Theirs];

#[tokio::test]
async fn messages_of_every_size_pass_both_ways_under_every_mechanism() {
    guarded(async {
        for listens in EITHER {
            let null = None.into_iter();
            for credentials in null.chain(Credentials::all().map(Some)) {
                let theirs = theirs::socket(SocketType::Pair);
                let (builder, _zap) = secured(Pair::builder(), &theirs, &credentials);
                let ours = builder.build();
                join(&ours, &theirs, listens).await;
                for len in [0, 1, 124, 125, 254, 255, 256, 65_534, 65_535, 100_000] {
                    let message = vec![vec![7; len], b"last".to_vec()];
                    ours.send(message.clone()).await.unwrap();
                    assert!(theirs::recv(&theirs).await == message);
                    theirs::send(&theirs, &message).await;
                    assert!(ours.recv().await.unwrap() == message);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_pattern_works() {
    guarded(async {
        for listens in EITHER {
            let (dealer, router) = (Dealer::new(), theirs::socket(SocketType::Router));
            join(&dealer, &router, listens).await;
            dealer.send("to the router").await.unwrap();
            let mut received = theirs::recv(&router).await;
            received[1] = b"to the dealer".to_vec();
            theirs::send(&router, &received).await;
            assert_eq!(dealer.recv().await.unwrap(), ["to the dealer"]);

            let (router, dealer) = (Router::new(), theirs::socket(SocketType::Dealer));
            join(&router, &dealer, listens).await;
            theirs::send(&dealer, &[b"to the router".to_vec()]).await;
            let received = router.recv().await.unwrap();
            router.route(received.identity(), "to the dealer").await.unwrap();
            assert_eq!(theirs::recv(&dealer).await, [b"to the dealer"]);

            let (push, pull) = (Push::new(), theirs::socket(SocketType::Pull));
            join(&push, &pull, listens).await;
            let (pull_of_ours, push_of_theirs) = (Pull::new(), theirs::socket(SocketType::Push));
            join(&pull_of_ours, &push_of_theirs, listens).await;
            for number in 0..1_000_u32 {
                push.send(number.to_string()).await.unwrap();
                theirs::send(&push_of_theirs, &[number.to_string().into_bytes()]).await;
            }
            for number in 0..1_000_u32 {
                assert_eq!(theirs::recv(&pull).await, [number.to_string().into_bytes()]);
                assert_eq!(pull_of_ours.recv().await.unwrap(), [number.to_string()]);
            }

            let (client, server) = (Client::new(), theirs::socket(SocketType::Server));
            join(&client, &server, listens).await;
            client.send("to the server").await.unwrap();
            assert_eq!(theirs::recv(&server).await, [b"to the server"]);
            let (server, client) = (Server::new(), theirs::socket(SocketType::Client));
            join(&server, &client, listens).await;
            theirs::send(&client, &[b"to the server".to_vec()]).await;
            let request = server.recv().await.unwrap();
            server.reply(&request, "to the client").await.unwrap();
            assert_eq!(theirs::recv(&client).await, [b"to the client"]);
        }
    })
    .await;
}

/// libzmq announces no subscription over `ws` under CURVE, or if its SUB has bound the endpoint.
#[tokio::test]
async fn subscriptions_pass_both_ways() {
    guarded(async {
        let (publisher, subscriber) = (Pub::new(), theirs::socket(SocketType::Sub));
        theirs::subscribe(&subscriber, SocketType::Sub, b"topic").await;
        join(&publisher, &subscriber, Listens::Ours).await;
        publisher.subscribed("topic").await.unwrap();
        publisher.send("other").await.unwrap();
        publisher.send("topic 1").await.unwrap();
        assert_eq!(theirs::recv(&subscriber).await, [b"topic 1"]);

        for listens in EITHER {
            let (publisher, subscriber) = (theirs::socket(SocketType::XPub), Sub::new());
            subscriber.subscribe("topic").unwrap();
            join(&subscriber, &publisher, listens).await;
            assert_eq!(theirs::recv(&publisher).await, [b"\x01topic"]);
            theirs::send(&publisher, &[b"topic 1".to_vec()]).await;
            assert_eq!(subscriber.recv().await.unwrap(), ["topic 1"]);
            assert!(subscriber.unsubscribe("topic"));
            assert_eq!(theirs::recv(&publisher).await, [b"\x00topic"]);
        }
    })
    .await;
}

/// Adds credentials to both sockets; without them, both use NULL.
fn secured<S: tokio_zmtp::Socket>(
    ours: tokio_zmtp::Builder<S>,
    theirs: &Socket,
    credentials: &Option<Credentials>,
) -> (tokio_zmtp::Builder<S>, Option<interop::ZapHandler>) {
    match credentials {
        Some(credentials) => {
            let zap = credentials.secure_theirs(theirs);
            (credentials.secure_ours(ours), zap)
        }
        None => (ours, None),
    }
}

/// Joins two sockets by a WebSocket.
async fn join(ours: &impl tokio_zmtp::Socket, theirs: &Socket, listens: Listens) {
    match listens {
        Listens::Ours => {
            let endpoint = ours.bind("ws://127.0.0.1:*/zmq").await.unwrap();
            theirs.connect(&endpoint.to_string()).unwrap();
        }
        Listens::Theirs => {
            theirs.bind("ws://127.0.0.1:*/zmq").unwrap();
            ours.connect(theirs.last_endpoint().unwrap()).await.unwrap();
        }
    }
}
