//! The bytes that a responder receives and sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tokio_zmtp::rpc::{Failure, Request, Responder, Response, service_fn};
use tokio_zmtp::{Client, Server};

use crate::wire::{
    CANCEL, CREDIT, DRAIN, DRAINED, END, ERROR, PART, REPLY, REQUEST, echo, envelope, opened,
    unique, until_there,
};

#[tokio::test]
async fn a_request_is_answered_by_its_id_alone() {
    let (client, responder) = serve(echo).await;
    client.send(envelope(REQUEST, 7, b"\0hi")).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), envelope(REPLY, 7, "hi"));
    // After the reply, the id can be used again.
    client.send(envelope(REQUEST, 7, b"\0again")).await.unwrap();
    assert_eq!(client.recv().await.unwrap(), envelope(REPLY, 7, "again"));
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn a_malformed_message_is_answered_if_it_has_an_id() {
    let (client, responder) = serve(echo).await;
    let error = |code| envelope(ERROR, 7, [code, 0, 0, 0, 0]);
    for (message, code) in [
        (envelope(REQUEST, 7, ""), 0x14),
        (envelope(REQUEST, 7, [0x01, 0, 0]), 0x14),
        (envelope(REQUEST, 7, [0x04, 0xff, 0xff]), 0x14),
        (envelope(CANCEL, 7, "more"), 0x14),
        (envelope(CREDIT, 7, "12345"), 0x14),
        (envelope(REQUEST, 7, [0x08]), 0x15),
        (envelope(0x1a, 7, ""), 0x15),
        (envelope(0x21, 7, "the future"), 0x15),
    ] {
        client.send(&*message).await.unwrap();
        assert_eq!(client.recv().await.unwrap(), error(code), "{message:?}");
    }
    for message in [&b""[..], b"\x11", b"\x11\0\0\0\0\0\0\0"] {
        client.send(message).await.unwrap();
    }
    for kind in [REPLY, PART, END, DRAIN, DRAINED] {
        client.send(envelope(kind, 7, "")).await.unwrap();
    }
    until_there(&responder, |stats| stats.malformed == 16).await;
    for kind in [CANCEL, CREDIT] {
        let rest: &[u8] = if kind == CREDIT { &[0, 0, 0, 1] } else { &[] };
        client.send(envelope(kind, 7, rest)).await.unwrap();
    }
    until_there(&responder, |stats| stats.unknown == 2).await;
    assert!(client.try_recv().is_err(), "messages without an id are not answered");
    assert_eq!(responder.stats().received, 0);
}

#[tokio::test]
async fn a_request_with_an_id_in_use_is_dropped() {
    let (client, responder) = serve(|_| std::future::pending::<Result<Response, Failure>>()).await;
    for _ in 0..3 {
        client.send(envelope(REQUEST, 7, [0x00])).await.unwrap();
    }
    until_there(&responder, |stats| stats.duplicate == 2).await;
    assert_eq!(responder.stats().running, 1);
    client.send(envelope(CANCEL, 7, "")).await.unwrap();
    until_there(&responder, |stats| stats.cancelled == 1).await;
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn a_request_with_an_id_in_use_does_not_call_the_service() {
    let release = Arc::new(Notify::new());
    let calls = Arc::new(AtomicUsize::new(0));
    let (client, responder) = serve({
        let (release, calls) = (Arc::clone(&release), Arc::clone(&calls));
        move |request: Request| {
            let number = calls.fetch_add(1, Ordering::Relaxed);
            let release = Arc::clone(&release);
            async move {
                if number == 0 {
                    release.notified().await;
                }
                echo(request).await
            }
        }
    })
    .await;
    client.send(envelope(REQUEST, 7, b"\0first")).await.unwrap();
    client.send(envelope(REQUEST, 7, b"\0second")).await.unwrap();
    until_there(&responder, |stats| stats.duplicate == 1).await;
    release.notify_one();
    assert_eq!(client.recv().await.unwrap(), envelope(REPLY, 7, "first"));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn a_dropped_handler_may_use_the_responder() {
    let endpoint = unique();
    let responder =
        Responder::builder(Server::builder().bind(endpoint.as_str()).await.unwrap()).build();
    let serving = tokio::spawn(responder.serve(service_fn({
        let responder = responder.clone();
        move |_| {
            let looks = Looks(responder.clone());
            async move {
                let _looks = looks;
                std::future::pending::<Result<Response, Failure>>().await
            }
        }
    })));
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    // A duplicate id, a cancellation, the end of the connection, and the end of serving.
    for id in [1, 1, 2, 3] {
        client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
    }
    client.send(envelope(CANCEL, 2, "")).await.unwrap();
    until_there(&responder, |stats| stats.duplicate + stats.cancelled == 2).await;
    client.close().await;
    until_there(&responder, |stats| stats.disconnected == 2).await;
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    client.send(envelope(REQUEST, 4, [0x00])).await.unwrap();
    until_there(&responder, |stats| stats.running == 1).await;
    serving.abort();
    until_there(&responder, |stats| stats.cancelled == 2).await;
    assert!(responder.stats().is_consistent());
}

#[test]
fn a_handler_dropped_with_its_runtime_may_use_the_responder() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (responder, client) = runtime.block_on(async {
        let endpoint = unique();
        let responder = Responder::new(Server::builder().bind(endpoint.as_str()).await.unwrap());
        tokio::spawn(responder.serve(service_fn({
            let responder = responder.clone();
            move |_| {
                let looks = Looks(responder.clone());
                async move {
                    let _looks = looks;
                    std::future::pending::<Result<Response, Failure>>().await
                }
            }
        })));
        let client = Client::new();
        client.connect(endpoint.as_str()).await.unwrap();
        for id in 0..10 {
            client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
        }
        until_there(&responder, |stats| stats.running == 10).await;
        (responder, client)
    });
    drop(runtime);
    assert_eq!(responder.stats().running, 0);
    assert!(responder.stats().is_consistent());
    drop(client);
}

#[tokio::test]
async fn an_application_error_contains_its_number_and_text() {
    let (client, responder) =
        serve(|_| async { Err::<Response, _>(Failure::application(404, "no such thing")) }).await;
    client.send(envelope(REQUEST, 7, [0x00])).await.unwrap();
    let expected = envelope(ERROR, 7, b"\x10\0\0\x01\x94no such thing");
    assert_eq!(client.recv().await.unwrap(), expected);
    assert_eq!(responder.stats().failed, 1);
}

#[tokio::test]
async fn requests_beyond_those_that_may_wait_are_refused() {
    let endpoint = unique();
    let server = Server::new();
    server.bind(endpoint.as_str()).await.unwrap();
    let responder = Responder::builder(server).max_running(1).max_waiting(1).build();
    tokio::spawn(
        responder.serve(service_fn(|_| std::future::pending::<Result<Response, Failure>>())),
    );
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    for id in 0..4 {
        client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
    }
    for refused in [2, 3] {
        let message = client.recv().await.unwrap();
        assert_eq!(opened(&message), (ERROR, refused, &[0x01, 0, 0, 0, 0][..]));
    }
    let stats = responder.stats();
    assert_eq!((stats.overloaded, stats.running), (2, 1));
    // A waiting request can be cancelled as well.
    client.send(envelope(CANCEL, 1, "")).await.unwrap();
    until_there(&responder, |stats| stats.cancelled == 1 && stats.waiting == 0).await;
    assert!(responder.stats().is_consistent());
}

#[tokio::test]
async fn a_reply_waits_for_a_client_that_does_not_read() {
    let endpoint = unique();
    let server = Server::builder().send_hwm(1).bind(endpoint.as_str()).await.unwrap();
    let responder = Responder::new(server);
    tokio::spawn(responder.serve(service_fn(echo)));
    let client = Client::builder().recv_hwm(1).connect(endpoint.as_str()).await.unwrap();
    for id in 0..10 {
        client.send(envelope(REQUEST, id, [0x00])).await.unwrap();
    }
    until_there(&responder, |stats| stats.received == 10).await;
    assert!(responder.stats().running > 0);
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(opened(&client.recv().await.unwrap()).1);
    }
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..10));
    until_there(&responder, |stats| stats.answered == 10).await;
    assert!(responder.stats().is_consistent());
}

/// Uses the responder when it is dropped.
struct Looks(Responder);

impl Drop for Looks {
    fn drop(&mut self) {
        assert!(self.0.stats().received > 0);
    }
}

async fn serve<F, Fut, T>(handler: F) -> (Client, Responder)
where
    F: FnMut(Request) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, Failure>> + Send + 'static,
    T: Into<Response> + 'static,
{
    let endpoint = unique();
    let responder = Responder::new(Server::builder().bind(endpoint.as_str()).await.unwrap());
    tokio::spawn(responder.serve(service_fn(handler)));
    (Client::builder().connect(endpoint.as_str()).await.unwrap(), responder)
}
