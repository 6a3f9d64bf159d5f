//! A requester over a DEALER, and a responder over a REP.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, future, stream};
use tokio::sync::Notify;
use tokio::time::{self, Instant};
use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::rpc::{
    CallError, ErrorCode, Failure, Request, Requester, Responder, Response, TraceContext,
    service_fn,
};
use tokio_zmtp::{Dealer, Mechanism, Message, Rep};

use super::{dealer, delimited, endpoint, requester, serve};
use crate::wire::{
    CONNECTION, DRAIN, DRAINED, ERROR, REPLY, REQUEST, echo, envelope, unique, until_there,
};

#[tokio::test]
async fn concurrent_calls_with_bodies_of_any_length_are_answered_over_every_transport() {
    for transport in ["tcp://127.0.0.1:*", "ipc://*", &unique()] {
        let (responder, _) = serve(transport, echo).await;
        let requester = requester(&responder).await;
        let lens = [0, 1, 57, 58, 59, 60, 61, 70, 71, 244, 245, 246, 247, 255, 32_768, 1_000_000];
        let bodies = lens.map(|len| Message::from(vec![len as u8; len]));
        let replies = future::join_all(bodies.iter().map(|body| requester.call(body))).await;
        for (body, reply) in bodies.iter().zip(replies) {
            assert_eq!(reply.unwrap(), *body);
        }
        assert_eq!(responder.stats().answered, lens.len() as u64);
        assert!(requester.stats().is_consistent() && responder.stats().is_consistent());
    }
}

#[tokio::test]
async fn failures_deadlines_and_traces_travel_as_between_client_and_server() {
    let (responder, _) = serve(&unique(), answer).await;
    let requester = requester(&responder).await;
    let failed = Err(CallError::Failed(Failure::application(42, "as you wish")));
    assert_eq!(requester.call("fail").await, failed);
    let panicked = requester.call("panic").await.unwrap_err();
    assert!(matches!(&panicked, CallError::Failed(it) if it.code() == ErrorCode::PANICKED));

    let request = Request::from("sleep").with_timeout(Duration::from_millis(20));
    assert!(requester.call(request).await.is_err());
    until_there(&responder, |stats| stats.deadline_exceeded == 1).await;

    let context: TraceContext = PARENT.parse().unwrap();
    let request = Request::from("trace").with_trace_context(context);
    assert_eq!(requester.call(request).await.unwrap(), PARENT);
}

#[tokio::test]
async fn a_stream_continues_as_its_parts_are_read() {
    let (responder, _) = serve("tcp://127.0.0.1:*", answer).await;
    let requester = Requester::builder(dealer(&responder).await).stream_window(4).build();
    let parts: Vec<Message> = requester.stream("count").try_collect().await.unwrap();
    assert!(parts.iter().map(|part| part.to_str().unwrap()).eq((0..1_000).map(|n| n.to_string())));
    assert_eq!(requester.stats().answered, 1);
}

#[tokio::test]
async fn a_dropped_call_and_a_dropped_stream_are_cancelled() {
    let (responder, _) = serve(&unique(), answer).await;
    let requester = requester(&responder).await;
    let mut call = tokio_test::task::spawn(requester.call("sleep"));
    assert!(call.poll().is_pending());
    until_there(&responder, |stats| stats.running == 1).await;
    drop(call);
    until_there(&responder, |stats| stats.cancelled == 1).await;
    let mut parts = requester.stream("count");
    parts.next().await.unwrap().unwrap();
    drop(parts);
    until_there(&responder, |stats| stats.cancelled == 2).await;
    assert_eq!(requester.stats().cancels_unsent, 0);
}

#[tokio::test(start_paused = true)]
async fn a_responder_drains_as_soon_as_its_requesters_acknowledge() {
    let responder = Responder::new(Rep::builder().bind(unique().as_str()).await.unwrap());
    let (stop, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let held = Arc::clone(&release);
    let handler = service_fn(move |request: Request| {
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            Ok::<_, Failure>(request.into_body())
        }
    });
    let stopped = Arc::clone(&stop);
    let serving = tokio::spawn(
        responder.serve_with_shutdown(handler, async move { stopped.notified().await }),
    );
    let requester = requester(&responder).await;
    let plain = dealer(&responder).await;
    plain.send(delimited(envelope(REQUEST, 7, "\0plain"))).await.unwrap();
    let call = tokio::spawn(requester.call("last"));
    until_there(&responder, |stats| stats.running == 2).await;
    let begin = Instant::now();
    stop.notify_one();
    assert_eq!(plain.recv().await.unwrap(), delimited(envelope(DRAIN, CONNECTION, "")));
    plain.send(delimited(envelope(DRAINED, CONNECTION, ""))).await.unwrap();
    plain.send(delimited(envelope(REQUEST, 8, "\0late"))).await.unwrap();
    let refused = delimited(envelope(ERROR, 8, [0x02, 0, 0, 0, 0]));
    assert_eq!(plain.recv().await.unwrap(), refused);
    release.notify_waiters();
    assert_eq!(call.await.unwrap().unwrap(), "last");
    assert_eq!(plain.recv().await.unwrap(), delimited(envelope(REPLY, 7, "plain")));
    serving.await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "both acknowledged the notice");
}

#[tokio::test]
async fn calls_move_to_the_next_server_when_a_server_ends() {
    let (first, serving) = serve("tcp://127.0.0.1:*", answer).await;
    let requester = requester(&first).await;
    let lost = requester.call("sleep");
    let end = async {
        until_there(&first, |stats| stats.running == 1).await;
        first.rep().close().await;
    };
    let (lost, ()) = tokio::join!(lost, end);
    // The responder answers what it cancels, if there is time.
    let lost = lost.unwrap_err();
    let is_cancelled = matches!(&lost, CallError::Failed(it) if it.code() == ErrorCode::CANCELLED);
    assert!(is_cancelled || lost == CallError::ConnectionLost, "{lost}");
    serving.await.unwrap();
    let waiting = tokio::spawn(requester.call("again"));
    let (second, _) = serve("tcp://127.0.0.1:*", echo).await;
    requester.dealer().connect(endpoint(&second)).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), "again");
}

#[tokio::test]
async fn calls_are_encrypted_with_curve() {
    let keypair = CurveKeypair::generate();
    let server_key = keypair.public_key();
    let rep = Rep::builder().mechanism(Mechanism::curve_server(keypair));
    let responder = Responder::new(rep.bind("tcp://127.0.0.1:*").await.unwrap());
    tokio::spawn(responder.serve(service_fn(echo)));
    let dealer = Dealer::builder().mechanism(Mechanism::curve_client(server_key));
    let requester = Requester::new(dealer.connect(endpoint(&responder)).await.unwrap());
    for len in [1, 1_000, 100_000] {
        let body = Message::from(vec![7; len]);
        assert_eq!(requester.call(&body).await.unwrap(), body);
    }
}

async fn answer(request: Request) -> Result<Response, Failure> {
    match request.body().to_str().unwrap() {
        "count" => {
            let numbers = (0..1_000).map(|number: u32| Ok::<_, Failure>(number.to_string()));
            Ok(Response::stream(stream::iter(numbers)))
        }
        "fail" => Err(Failure::application(42, "as you wish")),
        "panic" => panic!("as expected"),
        "sleep" => {
            time::sleep(Duration::from_secs(1_000)).await;
            Ok(Response::new("never"))
        }
        "trace" => Ok(Response::new(request.trace_context().unwrap().to_string())),
        _ => Ok(Response::new(request.into_body())),
    }
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
