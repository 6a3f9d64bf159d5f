//! A remote in another language: Node.js, with libzmq's draft sockets, from the npm package
//! `zeromq`.

use std::time::Duration;

use futures::{TryStreamExt, future, stream};
use support::node;
use support::script::ScriptRemote;
use tokio_zmtp::rpc::{
    CallError, Failure, Request, Requester, Responder, Response, TraceContext, service_fn,
};
use tokio_zmtp::{Client, Message, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_responder_in_another_language_answers_our_calls() {
    let Some(mut remote) = start(&["responder"]) else { return };
    let endpoint = remote.line();
    let requester = Requester::new(Client::builder().connect(endpoint.as_str()).await.unwrap());
    let bodies: Vec<_> = (0..100).map(|number| format!("number {number}")).collect();
    let calls = bodies.iter().map(|body| requester.call(body.clone()));
    for (body, reply) in bodies.iter().zip(future::join_all(calls).await) {
        assert_eq!(reply.unwrap(), *body);
    }

    let failed = Err(CallError::Failed(Failure::application(42, "as you wish")));
    assert_eq!(requester.call("fail 42").await, failed);

    let request = Request::from("time").with_timeout(Duration::from_secs(1_000));
    let left = requester.call(request).await.unwrap();
    let left: u32 = left.to_str().unwrap().parse().unwrap();
    assert!((1..=1_000_000).contains(&left));

    let context: TraceContext = PARENT.parse().unwrap();
    let request = Request::from("trace").with_trace_context(context.with_state("a=b").unwrap());
    assert_eq!(requester.call(request).await.unwrap(), format!("{PARENT} a=b"));

    let parts: Vec<Message> = requester.stream("count 1000").try_collect().await.unwrap();
    assert_eq!(parts.len(), 1_000);
    assert!((0..).zip(parts).all(|(number, part): (u32, _)| part == number.to_string()));

    let mut dropped = tokio_test::task::spawn(requester.call("sleep"));
    assert!(dropped.poll().is_pending());
    drop(dropped);
    assert_eq!(remote.line(), "cancelled");
    assert!(requester.stats().is_consistent());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_requester_in_another_language_calls_our_responder() {
    let responder = Responder::new(Server::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    let endpoint = responder.server().last_endpoint().unwrap().to_string();
    tokio::spawn(responder.serve(service_fn(answer)));
    let Some(remote) = start(&["requester", &endpoint]) else { return };
    let printed = tokio::task::spawn_blocking(move || remote.finish()).await.unwrap();
    assert_eq!(printed, "done\n");
    let stats = responder.stats();
    assert_eq!((stats.received, stats.answered, stats.failed), (106, 103, 1));
    assert_eq!((stats.deadline_exceeded, stats.cancelled + stats.disconnected), (1, 1));
    assert!(stats.is_consistent());
}

async fn answer(request: Request) -> Result<Response, Failure> {
    match request.body().to_str().unwrap() {
        "fail" => Err(Failure::application(42, "as you wish")),
        "trace" => {
            let context = request.trace_context().unwrap();
            Ok(Response::new(format!("{context} {}", context.state())))
        }
        "sleep" => future::pending().await,
        "count" => {
            let numbers = (0..50).map(|number: u32| Ok::<_, Failure>(number.to_string()));
            Ok(Response::stream(stream::iter(numbers)))
        }
        _ => Ok(Response::new(request.into_body())),
    }
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Starts a remote that is implemented from docs/rpc.md alone.
fn start(arguments: &[&str]) -> Option<ScriptRemote> {
    node::start(env!("CARGO_TARGET_TMPDIR"), "tests/rpc/rpc_remote.mjs", arguments)
}
