//! Multipart messages of other forms.

use tokio_zmtp::rpc::Requester;
use tokio_zmtp::{Dealer, Multipart, Undelivered};

use super::{dealer, delimited, serve};
use crate::wire::{ERROR, REPLY, REQUEST, body, echo, envelope, opened, unique, until};

#[tokio::test]
async fn a_responder_counts_malformed_requests_and_continues() {
    for transport in ["tcp://127.0.0.1:*", &unique()] {
        let (responder, _) = serve(transport, echo).await;
        let dealer = dealer(&responder).await;
        let request = || envelope(REQUEST, 7, "\0hi");
        let malformed = [
            Multipart::from([request()]),
            Multipart::from([request(), request()]),
            Multipart::from([""]),
            Multipart::from(["id", ""]),
            Multipart::from(["", "short"]),
            Multipart::from(["", "short", "body"]),
        ];
        let count = malformed.len() as u64;
        for message in malformed {
            dealer.send(message).await.unwrap();
        }
        let several = [b"id".to_vec(), Vec::new(), request(), b"body".to_vec()];
        dealer.send(several).await.unwrap();
        let refused = envelope(ERROR, 7, [0x14, 0, 0, 0, 0]);
        assert_eq!(dealer.recv().await.unwrap(), [b"id".to_vec(), Vec::new(), refused]);
        dealer.send(delimited(request())).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), delimited(envelope(REPLY, 7, "hi")));
        let stats = responder.stats();
        assert_eq!((stats.malformed, stats.received, stats.answered), (count + 1, 1, 1));
        assert_eq!(responder.rep().remotes().len(), 1);
    }
}

#[tokio::test]
async fn a_requester_counts_malformed_replies_and_continues() {
    for transport in ["tcp://127.0.0.1:*", &unique()] {
        let server = Dealer::new();
        let endpoint = server.bind(transport).await.unwrap();
        let requester = Requester::new(Dealer::builder().connect(endpoint).await.unwrap());
        let serve = async {
            let request = server.recv().await.unwrap();
            let (kind, id, rest) = opened(request.last());
            assert_eq!((request.len(), request.first(), kind), (2, &b""[..], REQUEST));
            let reply = || envelope(REPLY, id, body(rest));
            let malformed = [
                Multipart::from([reply()]),
                Multipart::from([""]),
                Multipart::from(["", "short"]),
                Multipart::from([b"id".to_vec(), Vec::new(), reply()]),
                Multipart::from([Vec::new(), reply(), reply()]),
                delimited(envelope(REQUEST, id, "\0hi")),
            ];
            let count = malformed.len() as u64;
            for message in malformed {
                server.send(message).await.unwrap();
            }
            server.send(delimited(reply())).await.unwrap();
            count
        };
        let (reply, count) = tokio::join!(requester.call("hi"), serve);
        assert_eq!(reply.unwrap(), "hi");
        let stats = requester.stats();
        assert_eq!((stats.malformed, stats.answered, stats.bad_replies), (count, 1, 0));
        assert_eq!(requester.dealer().remotes().len(), 1);
    }
}

#[tokio::test]
async fn a_program_can_send_messages_of_its_own_but_receives_no_replies_to_them() {
    for transport in ["tcp://127.0.0.1:*", &unique()] {
        let server = Dealer::new();
        let endpoint = server.bind(transport).await.unwrap();
        let builder = Dealer::builder().undelivered(Undelivered::Return);
        let dealer = builder.connect(endpoint).await.unwrap();
        let requester = Requester::new(dealer.clone());
        dealer.send(["", "own"]).await.unwrap();
        assert_eq!(server.recv().await.unwrap(), ["", "own"]);
        server.send(["", "reply"]).await.unwrap();
        until(&requester, |stats| stats.malformed == 1).await;

        let call = requester.call("hi");
        let serve = async {
            let request = server.recv().await.unwrap();
            let (_, id, rest) = opened(request.last());
            server.send(delimited(envelope(REPLY, id, body(rest)))).await.unwrap();
        };
        let (reply, ()) = tokio::join!(call, serve);
        assert_eq!(reply.unwrap(), "hi");
        let stats = requester.stats();
        assert_eq!((stats.sent, stats.answered), (1, 1));
    }
}

#[tokio::test]
async fn messages_of_the_program_that_a_server_leaves_are_undelivered() {
    let server = Dealer::builder().recv_hwm(1).bind(unique()).await.unwrap();
    let builder = Dealer::builder().undelivered(Undelivered::Return).reconnect_interval(None);
    let dealer = builder.connect(server.last_endpoint().unwrap()).await.unwrap();
    let _requester = Requester::new(dealer.clone());
    dealer.remotes().connected().await.unwrap();
    for number in 0..3 {
        dealer.send(["", &number.to_string()]).await.unwrap();
    }
    server.close().await;
    while dealer.stats().dropped.undelivered < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(dealer.stats().queued.returned, 0);
}
