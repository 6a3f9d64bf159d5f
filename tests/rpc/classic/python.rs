//! Requesters and responders in Python, with the sockets of a release of libzmq.

use std::time::Duration;

use futures::{TryStreamExt, future, stream};
use support::python;
use support::script::ScriptRemote;
use tokio_zmtp::auth::CurveKeypair;
use tokio_zmtp::rpc::{CallError, Failure, Request, Requester, Responder, Response, service_fn};
use tokio_zmtp::{Dealer, Mechanism, Message, Rep};

use super::{endpoint, serve};
use crate::wire::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requesters_of_python_call_our_responder() {
    for (socket_type, failed) in [("req", 2), ("dealer", 1)] {
        let (responder, _) = serve("tcp://127.0.0.1:*", answer).await;
        let endpoint = endpoint(&responder).to_string();
        let Some(remote) = start(SCRIPT, &["requester", &endpoint, socket_type]) else { return };
        assert_eq!(output(remote).await, "done\n");
        let stats = responder.stats();
        assert_eq!((stats.failed, stats.malformed, stats.running), (failed, 0, 0));
        assert!(stats.is_consistent());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requesters_of_python_call_our_responder_with_curve() {
    let (server, client) = (CurveKeypair::generate(), CurveKeypair::generate());
    let server_key = server.public_key().to_string();
    let rep = Rep::builder().mechanism(Mechanism::curve_server(server));
    let responder = Responder::new(rep.bind("tcp://127.0.0.1:*").await.unwrap());
    tokio::spawn(responder.serve(service_fn(answer)));
    let endpoint = endpoint(&responder).to_string();
    let (public, secret) = (client.public_key().to_string(), client.secret_key().to_text());
    let arguments = ["requester", &endpoint, "req", &server_key, &public, &secret];
    let Some(remote) = start(SCRIPT, &arguments) else { return };
    assert_eq!(output(remote).await, "done\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_in_the_examples_calls_our_responder() {
    let (responder, _) = serve("tcp://127.0.0.1:*", answer).await;
    let endpoint = endpoint(&responder).to_string();
    let arguments = [&*endpoint, "hello", "fail", "count"];
    let Some(remote) = start("examples/python/rpc_client.py", &arguments) else { return };
    let shown = output(remote).await;
    let expected = "hello\nfail: CallError(16, 42, 'as you wish')\ncount: CallError(22, 0, '')\n";
    assert_eq!(shown, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_requester_calls_the_responder_in_the_examples() {
    let arguments = ["tcp://127.0.0.1:*"];
    let Some(mut remote) = start("examples/python/rpc_responder.py", &arguments) else { return };
    let dealer = Dealer::builder().connect(remote.line().as_str()).await.unwrap();
    let requester = Requester::new(dealer);
    assert_eq!(requester.call("21").await.unwrap(), "42");
    let failed = Err(CallError::Failed(Failure::application(400, "not a number")));
    assert_eq!(requester.call("many").await, failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responders_of_python_answer_our_calls() {
    for socket_type in ["rep", "router", "dealer"] {
        let arguments = ["responder", "tcp://127.0.0.1:*", socket_type];
        let Some(mut remote) = start(SCRIPT, &arguments) else { return };
        let dealer = Dealer::builder().connect(remote.line().as_str()).await.unwrap();
        let requester = Requester::new(dealer);
        let calls = (0..100).map(|number: u32| requester.call(number.to_string()));
        for (number, reply) in (0..).zip(future::join_all(calls).await) {
            assert_eq!(reply.unwrap(), (2 * number).to_string());
        }
        let request = Request::from("21").with_timeout(Duration::from_secs(100));
        let request = request.with_trace_context(PARENT.parse().unwrap());
        let parts: Vec<Message> = requester.stream(request).try_collect().await.unwrap();
        assert_eq!(parts, ["42"]);
        let failed = Err(CallError::Failed(Failure::application(400, "not a number")));
        assert_eq!(requester.call("many").await, failed);

        // It continues after calls that no task waits for.
        let request = Request::from("sleep").with_timeout(Duration::from_millis(50));
        let late = requester.call(request).await;
        assert!(matches!(late, Err(CallError::DeadlineExceeded | CallError::NotSent)));
        let mut dropped = tokio_test::task::spawn(requester.call("sleep"));
        assert!(dropped.poll().is_pending());
        drop(dropped);
        assert_eq!(requester.call("4").await.unwrap(), "8");
        until(&requester, |stats| stats.late == 2).await;
        let stats = requester.stats();
        assert_eq!((stats.malformed, stats.bad_replies, stats.unknown), (0, 0, 0));
        assert!(stats.is_consistent());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_continue_when_a_responder_of_python_restarts() {
    let dealer = Dealer::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let requester = Requester::new(dealer);
    let endpoint = requester.dealer().last_endpoint().unwrap().to_string();
    let arguments = ["worker", &endpoint, "rep"];
    let Some(mut first) = start(SCRIPT, &arguments) else { return };
    first.line();
    assert_eq!(requester.call("1").await.unwrap(), "2");
    let mut lost = tokio_test::task::spawn(requester.call("sleep"));
    assert!(lost.poll().is_pending());
    while requester.dealer().stats().sent.messages < 2 {
        tokio::task::yield_now().await;
    }
    drop(first);
    assert_eq!(lost.await, Err(CallError::ConnectionLost));
    let waiting = tokio::spawn(requester.call("2"));
    let _second = start(SCRIPT, &arguments).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), "4");
}

async fn answer(request: Request) -> Result<Response, Failure> {
    match request.body().to_str().unwrap() {
        "count" => {
            let numbers = (0..50).map(|number: u32| Ok::<_, Failure>(number.to_string()));
            Ok(Response::stream(stream::iter(numbers)))
        }
        "fail" => Err(Failure::application(42, "as you wish")),
        "sleep" => future::pending().await,
        _ => Ok(Response::new(request.into_body())),
    }
}

fn start(script: &str, arguments: &[&str]) -> Option<ScriptRemote> {
    python::start_with(env!("CARGO_TARGET_TMPDIR"), script, arguments)
}

/// Returns what a script prints until it ends.
async fn output(remote: ScriptRemote) -> String {
    tokio::task::spawn_blocking(move || remote.finish()).await.unwrap()
}

const SCRIPT: &str = "tests/rpc/rpc_remote.py";

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
