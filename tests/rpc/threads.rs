//! Calls on threads outside any Tokio runtime.

use std::thread;
use std::time::Duration;

use futures::StreamExt;
use futures::executor::block_on;
use tokio::runtime::{self, Runtime};
use tokio::time;
use tokio_zmtp::rpc::{CallError, Failure, Request, Requester, Responder, Response, service_fn};
use tokio_zmtp::{Client, Server};

use crate::every_await::Scene;
use crate::wire::unique;

#[test]
fn every_future_can_be_polled_on_any_thread() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        for (_, start) in Scene::<Client, Server>::OPERATIONS {
            let runtime = runtime();
            let scene =
                runtime.block_on(Scene::start(endpoint, Client::builder(), Server::builder()));
            let mut operation = tokio_test::task::spawn(start(&scene));
            for _ in 0..POLLS {
                if operation.poll().is_ready() {
                    break;
                }
                thread::sleep(Duration::from_micros(200));
            }
        }
    }
}

#[test]
fn a_call_ends_at_its_deadline_on_any_thread() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        let runtime = runtime();
        let (client, server) = runtime.block_on(pair(endpoint));
        // The call needs no runtime on this thread.
        let requester = Requester::builder(client).timeout(SHORT).max_outstanding(1).build();
        assert!(matches!(
            block_on(requester.call("sent")),
            Err(CallError::DeadlineExceeded | CallError::NotSent)
        ));
        let without_limit = requester.call(Request::from("one").with_timeout(LONG));
        let waiting = thread::spawn(move || block_on(without_limit));
        while requester.stats().outstanding == 0 {
            thread::yield_now();
        }
        // The queued messages are not received.
        requester.client().set_linger(Duration::ZERO);
        // The queue has no capacity for another message.
        assert!(matches!(block_on(requester.call("waits")), Err(CallError::NotSent)));
        block_on(requester.close());
        assert!(matches!(waiting.join().unwrap(), Err(CallError::Closed)));
        drop(server);
    }
}

#[test]
fn a_responder_serves_on_any_thread_and_its_handlers_use_the_runtime_of_the_server() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        let runtime = runtime();
        let (client, server) = runtime.block_on(pair(endpoint));
        let responder = Responder::new(server);
        let service = service_fn(|request: Request| async move {
            time::sleep(SHORT).await;
            match request.body().to_str().unwrap() {
                "never" => std::future::pending().await,
                "stream" => {
                    let parts = futures::stream::iter(["a", "b"]).map(Ok::<_, Failure>);
                    Ok::<_, Failure>(Response::stream(parts))
                }
                _ => Ok(Response::new(request.into_body())),
            }
        });
        let serving = responder.serve(service);
        let serving = thread::spawn(move || block_on(serving));
        let requester = Requester::new(client);
        block_on(async {
            assert_eq!(requester.call("echo").await.unwrap(), "echo");
            let late = requester.call(Request::from("never").with_timeout(SHORT)).await;
            assert!(late.is_err());
            let parts: Vec<_> = requester.stream("stream").collect().await;
            assert_eq!(parts.len(), 2);
        });
        block_on(responder.server().close());
        serving.join().unwrap();
    }
}

#[test]
fn calls_end_when_the_runtime_of_their_client_has_shut_down() {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        let runtime = runtime();
        let (client, server) = runtime.block_on(pair(endpoint));
        let requester = Requester::builder(client.clone()).timeout(LONG).build();
        let responder = Responder::new(server);
        let serving = responder.serve(service_fn(|request: Request| async move {
            Ok::<_, Failure>(request.into_body())
        }));
        let under_way = requester.call("x");
        let under_way = thread::spawn(move || block_on(under_way));
        drop(runtime);
        assert!(matches!(under_way.join().unwrap(), Err(CallError::Closed)));
        assert!(matches!(block_on(requester.call("y")), Err(CallError::Closed)));
        let parts: Vec<_> = block_on(requester.stream("z").collect());
        assert!(matches!(parts[..], [Err(CallError::Closed)]));
        let late = Requester::builder(client).timeout(LONG).build();
        assert!(matches!(block_on(late.call("y")), Err(CallError::Closed)));
        block_on(serving);
        block_on(requester.close());
    }
}

async fn pair(endpoint: &str) -> (Client, Server) {
    let server = Server::new();
    let bound = server.bind(endpoint).await.unwrap();
    let client = Client::new();
    client.connect(bound).await.unwrap();
    (client, server)
}

fn runtime() -> Runtime {
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

const POLLS: usize = 24;

const SHORT: Duration = Duration::from_millis(3);

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3_600);
