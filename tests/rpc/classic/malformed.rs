//! Multipart messages of other forms.

use tokio_zmtp::rpc::Requester;
use tokio_zmtp::{Dealer, Multipart};

use super::{dealer, delimited, serve};
use crate::wire::{ERROR, REPLY, REQUEST, body, echo, envelope, opened, unique};

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
