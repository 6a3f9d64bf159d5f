//! Replies and the ends of connections that a REP has dialed.

use std::sync::Arc;
use std::time::Duration;

use support::remote::{LONGER_THAN_BUFFERS, RemoteListener};
use tokio::sync::Notify;
use tokio_zmtp::rpc::{Failure, Request, Responder, service_fn};
use tokio_zmtp::{Message, Rep};

use super::{read, write};
use crate::wire::{REPLY, REQUEST, echo, envelope, until_there};

#[tokio::test]
async fn replies_that_wait_for_capacity_end_with_their_connection_and_not_with_the_next() {
    let listener = RemoteListener::bind();
    let rep = Rep::builder().send_hwm(1).reconnect_interval(Duration::from_millis(1));
    let responder = Responder::new(rep.connect(listener.endpoint()).await.unwrap());
    tokio::spawn(responder.serve(service_fn(async |request: Request| {
        let is_long = request.body() == "long";
        let reply = if is_long { vec![7; LONGER_THAN_BUFFERS] } else { b"short".to_vec() };
        Ok::<_, Failure>(Message::from(reply))
    })));
    let mut first = listener.accept_as("DEALER").await;
    for call in 0..5 {
        write(&mut first, envelope(REQUEST, call, "\0long")).await;
    }
    until_there(&responder, |stats| stats.running > 0).await;
    first.reset();
    let mut second = listener.accept_as("DEALER").await;
    for call in 5..10 {
        write(&mut second, envelope(REQUEST, call, "\0short")).await;
    }
    for call in 5..10 {
        assert_eq!(read(&mut second).await, envelope(REPLY, call, "short"));
    }
    let stats = responder.stats();
    assert_eq!((stats.received, stats.running, stats.waiting), (10, 0, 0));
    assert!(stats.is_consistent());
}

#[tokio::test]
async fn the_next_connection_receives_no_replies_to_requests_of_an_earlier_one() {
    let listener = RemoteListener::bind();
    let rep = Rep::builder().reconnect_interval(Duration::from_millis(1));
    let responder = Responder::new(rep.connect(listener.endpoint()).await.unwrap());
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    tokio::spawn(responder.serve(service_fn(move |request: Request| {
        let held = Arc::clone(&held);
        async move {
            if request.body() == "held" {
                held.notified().await;
            }
            echo(request).await
        }
    })));
    let mut first = listener.accept_as("DEALER").await;
    write(&mut first, envelope(REQUEST, 7, "\0held")).await;
    until_there(&responder, |stats| stats.running == 1).await;
    drop(first);
    let mut second = listener.accept_as("DEALER").await;
    release.notify_one();
    write(&mut second, envelope(REQUEST, 7, "\0second")).await;
    assert_eq!(read(&mut second).await, envelope(REPLY, 7, "second"));
    assert_eq!((responder.stats().disconnected, responder.stats().answered), (1, 1));
}
