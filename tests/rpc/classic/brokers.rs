//! Requests that other sockets have forwarded.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::sync::Semaphore;
use tokio_zmtp::Multipart;
use tokio_zmtp::rpc::{Failure, Request, Responder, Response, service_fn};

use super::{dealer, serve};
use crate::wire::{
    CANCEL, CREDIT, END, ERROR, PART, REPLY, REQUEST, envelope, unique, until_there,
};

#[tokio::test]
async fn every_message_about_a_call_has_the_envelope_of_its_request() {
    let (responder, _) =
        serve(&unique(), async |request: Request| match request.body().to_str().unwrap() {
            "stream" => {
                let parts = stream::iter(["1", "2"]).map(Ok::<_, Failure>);
                Ok(Response::stream(parts))
            }
            "fail" => Err(Failure::application(1, "no")),
            _ => Ok(Response::new(request.into_body())),
        })
        .await;
    let dealer = dealer(&responder).await;
    let long = "i".repeat(255);
    for ids in [&[][..], &["a"], &["a", "b", "c"], &[&long, &long]] {
        let message = |message: Vec<u8>| -> Multipart {
            let ids = ids.iter().map(|id| id.as_bytes().to_vec());
            ids.chain([Vec::new(), message]).collect()
        };
        dealer.send(message(envelope(REQUEST, 7, "\0hi"))).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), message(envelope(REPLY, 7, "hi")));
        dealer.send(message(envelope(REQUEST, 7, "\0fail"))).await.unwrap();
        let failed = envelope(ERROR, 7, b"\x10\0\0\0\x01no");
        assert_eq!(dealer.recv().await.unwrap(), message(failed));
        dealer.send(message(envelope(REQUEST, 7, b"\x02\0\0\0\x01stream"))).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), message(envelope(PART, 7, "1")));
        dealer.send(message(envelope(CREDIT, 7, [0, 0, 0, 1]))).await.unwrap();
        assert_eq!(dealer.recv().await.unwrap(), message(envelope(PART, 7, "2")));
        assert_eq!(dealer.recv().await.unwrap(), message(envelope(END, 7, "")));
        dealer.send(message(envelope(0x0F, 7, ""))).await.unwrap();
        let unsupported = envelope(ERROR, 7, [0x15, 0, 0, 0, 0]);
        assert_eq!(dealer.recv().await.unwrap(), message(unsupported));
    }
}

#[tokio::test]
async fn requests_with_one_id_and_different_envelopes_are_different_calls() {
    let release = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&release);
    let (responder, _) = serve(&unique(), move |request: Request| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            Ok::<_, Failure>(request.into_body())
        }
    })
    .await;
    let dealer = dealer(&responder).await;
    let from =
        |id: &str, message: Vec<u8>| Multipart::from([id.as_bytes().to_vec(), Vec::new(), message]);
    for id in ["a", "b", "c", "b"] {
        dealer.send(from(id, envelope(REQUEST, 7, format!("\0{id}")))).await.unwrap();
    }
    until_there(&responder, |stats| stats.duplicate == 1).await;
    dealer.send(from("c", envelope(CANCEL, 7, ""))).await.unwrap();
    until_there(&responder, |stats| stats.cancelled == 1).await;
    release.add_permits(2);
    let mut replies = [dealer.recv().await.unwrap(), dealer.recv().await.unwrap()];
    replies.sort_by_key(|reply| reply.first().to_vec());
    assert_eq!(replies, ["a", "b"].map(|id| from(id, envelope(REPLY, 7, id))));
    assert_eq!((responder.stats().answered, responder.stats().unknown), (2, 0));
}

#[tokio::test]
async fn the_envelopes_of_waiting_requests_count_towards_the_limit_of_bytes() {
    let rep = tokio_zmtp::Rep::builder().bind(unique().as_str()).await.unwrap();
    let responder = Responder::builder(rep).max_running(1).max_bytes_per_remote(1_000).build();
    let never = service_fn(|_: Request| std::future::pending::<Result<Response, Failure>>());
    tokio::spawn(responder.serve(never));
    let dealer = dealer(&responder).await;
    let request = |call: u64| {
        let id = vec![b'i'; 600];
        Multipart::from([id, Vec::new(), envelope(REQUEST, call, "\0hi")])
    };
    for call in 0..3 {
        dealer.send(request(call)).await.unwrap();
    }
    let refused = dealer.recv().await.unwrap();
    assert_eq!(refused.last(), envelope(ERROR, 2, [0x01, 0, 0, 0, 0]));
    assert_eq!((responder.stats().running, responder.stats().waiting), (1, 1));
}
