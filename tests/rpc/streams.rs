//! Replies of many parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::{StreamExt, TryStreamExt, stream};
use tokio_zmtp::rpc::{
    CallError, ErrorCode, Failure, Request, Requester, Responder, Response, service_fn,
};
use tokio_zmtp::{Client, Message, Server};

use crate::wire::{
    Bare, CANCEL, CREDIT, END, PART, REPLY, REQUEST, echo, opened, pair, unique, until_there,
};

#[tokio::test]
async fn all_parts_arrive_in_order() {
    let (requester, responder, _) = pair(count).await;
    for parts in [0, 1, 31, 32, 33, 64, 65, 10_000] {
        let got: Vec<Message> = requester.stream(parts.to_string()).try_collect().await.unwrap();
        assert_eq!(got.len(), parts);
        for (number, part) in got.iter().enumerate() {
            assert_eq!(*part, number.to_string());
        }
    }
    assert_eq!(requester.stats().answered, 8);
    until_there(&responder, |stats| stats.answered == 8).await;
    assert!(requester.stats().is_consistent() && responder.stats().is_consistent());
}

#[tokio::test]
async fn a_reply_that_is_not_a_stream_is_one_part() {
    let (requester, _, _) = pair(echo).await;
    let got: Vec<Message> = requester.stream("one").try_collect().await.unwrap();
    assert_eq!(got, ["one"]);
}

#[tokio::test]
async fn a_stream_for_a_call_without_streaming_is_an_error() {
    let (requester, responder, _) = pair(count).await;
    let Err(CallError::Failed(failure)) = requester.call("3").await else {
        panic!("the call did not fail")
    };
    assert_eq!(failure.code(), ErrorCode::STREAMED);
    assert_eq!(responder.stats().failed, 1);
}

#[tokio::test]
async fn an_error_in_a_stream_follows_the_earlier_parts() {
    let (requester, _, _) = pair(|_| async {
        let parts = stream::iter([Ok("a"), Ok("b"), Err(Failure::application(5, "broken"))]);
        Ok(Response::stream(parts))
    })
    .await;
    let mut replies = requester.stream("x");
    assert_eq!(replies.next().await.unwrap().unwrap(), "a");
    assert_eq!(replies.next().await.unwrap().unwrap(), "b");
    let expected = CallError::Failed(Failure::application(5, "broken"));
    assert_eq!(replies.next().await.unwrap(), Err(expected));
    assert!(replies.next().await.is_none());
    assert_eq!(requester.stats().failed, 1);
}

#[tokio::test]
async fn an_unread_stream_pauses_only_its_own_handler() {
    let made = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&made);
    let endpoint = unique();
    let responder = Responder::new(Server::builder().bind(endpoint.as_str()).await.unwrap());
    tokio::spawn(responder.serve(service_fn(move |request: Request| {
        let made = Arc::clone(&counter);
        async move {
            if *request.body() != "stream" {
                return Ok(Response::new(request.into_body()));
            }
            let numbers = stream::iter(0..).map(move |number: u32| {
                made.store(number + 1, Ordering::Relaxed);
                Ok::<_, Failure>(number.to_string())
            });
            Ok::<_, Failure>(Response::stream(numbers))
        }
    })));
    let client = Client::new();
    client.connect(endpoint.as_str()).await.unwrap();
    let requester = Requester::builder(client).stream_window(4).build();
    let mut slow = requester.stream("stream");
    assert_eq!(slow.next().await.unwrap().unwrap(), "0");
    for number in 0..1_000 {
        let body = number.to_string();
        assert_eq!(requester.call(body.clone()).await.unwrap(), body);
    }
    // The handler produces one part more than there is credit for, because the end is not known in
    // advance.
    assert_eq!(made.load(Ordering::Relaxed), 5);
    for number in 1..100 {
        assert_eq!(slow.next().await.unwrap().unwrap(), number.to_string());
    }
    drop(slow);
    until_there(&responder, |stats| stats.cancelled == 1 && stats.running == 0).await;
    assert!(requester.stats().is_consistent() && responder.stats().is_consistent());
}

#[tokio::test]
async fn credit_is_sent_later_if_the_queue_is_full() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::builder().send_hwm(1).connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).stream_window(2).build();
    let mut replies = requester.stream("x");
    let mut next = tokio_test::task::spawn(replies.next());
    assert!(next.poll().is_pending());
    let (from, id, rest) = bare.expect(REQUEST).await;
    assert_eq!(rest, b"\x02\0\0\0\x02x");
    bare.send(from, PART, id, "a").await;
    assert_eq!(next.await.unwrap().unwrap(), "a");
    let (_, _, parts) = bare.expect(CREDIT).await;
    assert_eq!(parts, [0, 0, 0, 1]);
    // Two parts and a reply fit, although the high-water mark of the other direction is one.
    bare.send(from, PART, id, "b").await;
    bare.send(from, PART, id, "c").await;
    bare.send(from, REPLY, id, "d").await;
    let got: Vec<Message> = replies.try_collect().await.unwrap();
    assert_eq!(got, ["b", "c", "d"]);
}

#[tokio::test]
async fn parts_without_credit_fail_the_stream() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).stream_window(2).build();
    let collecting = tokio::spawn(requester.stream("x").collect::<Vec<_>>());
    let (from, id, _) = bare.expect(REQUEST).await;
    let mut broken = false;
    // Credit is renewed as parts are fetched, so that only a burst exceeds it.
    for _ in 0..100 {
        bare.send(from, PART, id, "p").await;
    }
    while !broken {
        let message = bare.server.recv().await.unwrap();
        broken = opened(&message).0 == CANCEL;
    }
    let got = collecting.await.unwrap();
    assert_eq!(got.last(), Some(&Err(CallError::BadReply)));
    assert_eq!(requester.stats().bad_replies, 1);
    assert!(requester.stats().is_consistent());
}

#[tokio::test]
async fn an_end_needs_no_credit() {
    let bare = Bare::bind(&unique()).await;
    let client = Client::new();
    client.connect(bare.endpoint().as_str()).await.unwrap();
    let requester = Requester::builder(client).stream_window(1).build();
    let mut replies = requester.stream("x");
    let mut next = tokio_test::task::spawn(replies.next());
    assert!(next.poll().is_pending());
    let (from, id, _) = bare.expect(REQUEST).await;
    bare.send(from, PART, id, "a").await;
    bare.send(from, END, id, "").await;
    assert_eq!(next.await.unwrap().unwrap(), "a");
    assert!(replies.next().await.is_none());
}

#[tokio::test]
async fn a_stream_whose_connection_is_lost_ends_with_an_error_after_the_received_parts() {
    let bare = Bare::bind("tcp://127.0.0.1:*").await;
    let requester =
        Requester::new(Client::builder().connect(bare.endpoint().as_str()).await.unwrap());
    let collecting = tokio::spawn(requester.stream("x").collect::<Vec<_>>());
    let (from, id, _) = bare.expect(REQUEST).await;
    bare.send(from, PART, id, "a").await;
    bare.server.close().await;
    let got = collecting.await.unwrap();
    assert_eq!(got, [Ok(Message::from("a")), Err(CallError::ConnectionLost)]);
}

/// Answers with the number of parts that the body states.
async fn count(request: Request) -> Result<Response, Failure> {
    let parts: u32 = request.body().to_str().unwrap().parse().unwrap();
    let numbers = stream::iter(0..parts).map(|number| Ok::<_, Failure>(number.to_string()));
    Ok(Response::stream(numbers))
}
