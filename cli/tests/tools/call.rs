//! Calls of services.

use std::future;

use futures::stream;
use tokio_zmtp::rpc::{Failure, Request, Responder, Response, service_fn};
use tokio_zmtp::{Rep, Server};

use crate::process::{run, run_with};

#[tokio::test]
async fn a_reply_is_printed() {
    let endpoint = service().await;
    assert_eq!(run(["call", &endpoint, "hello"]).await.succeeded(), "hello\n");
    let printed = run_with(["call", &endpoint], "from standard input").await.succeeded();
    assert_eq!(printed, "from standard input\n");
    let printed = run(["call", &endpoint, "hello", "--json"]).await.succeeded();
    assert_eq!(printed, "{\"parts\":[\"hello\"]}\n");
}

#[tokio::test]
async fn a_service_with_a_rep_is_called_by_a_dealer() {
    let rep = Rep::builder().bind(ANY).await.unwrap();
    let endpoint = rep.last_endpoint().unwrap().to_string();
    tokio::spawn(Responder::new(rep).serve(service_fn(answer)));
    assert_eq!(run(["call", "-T", "dealer", &endpoint, "hello"]).await.succeeded(), "hello\n");
}

#[tokio::test]
async fn a_rep_without_rpc_is_reported() {
    let rep = Rep::builder().bind(ANY).await.unwrap();
    let endpoint = rep.last_endpoint().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((_, mut replier)) = rep.recv().await {
            replier.reply("plain text").await.unwrap();
        }
    });
    let arguments = ["call", "-T", "dealer", &endpoint, "hello", "--deadline=1s"];
    let ended = run(arguments).await;
    assert!(matches!(ended.code, Some(1 | 3)), "{ended:?}");
    assert!(ended.stderr.contains("not a reply of tokio_zmtp::rpc"), "{ended:?}");
}

#[tokio::test]
async fn the_parts_of_a_stream_are_printed() {
    let endpoint = service().await;
    assert_eq!(run(["call", &endpoint, "count", "--stream"]).await.succeeded(), "0\n1\n2\n");
}

#[tokio::test]
async fn the_trace_context_is_sent() {
    let endpoint = service().await;
    let context = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let traced = ["call", &endpoint, "trace", "--traceparent", context];
    assert_eq!(run(traced).await.succeeded(), format!("{context}\n"));

    let line = run(["call", &endpoint, "trace", "--traceparent", "unknown"]).await.failed(2);
    assert!(line.contains("--traceparent"), "{line}");
}

#[tokio::test]
async fn failures_have_their_exit_codes() {
    let endpoint = service().await;
    let line = run(["call", &endpoint, "fail"]).await.failed(1);
    assert!(line.contains("application error 404: no such thing"), "{line}");
    let line = run(["call", &endpoint, "never", "--deadline=100ms"]).await.failed(3);
    assert!(line.contains("deadline"), "{line}");
    let line = run(["call", &endpoint, "two", "bodies"]).await.failed(2);
    assert!(line.contains("quote"), "{line}");
}

/// Starts a service, and returns its endpoint.
async fn service() -> String {
    let server = Server::builder().bind(ANY).await.unwrap();
    let endpoint = server.last_endpoint().unwrap().to_string();
    tokio::spawn(Responder::new(server).serve(service_fn(answer)));
    endpoint
}

async fn answer(request: Request) -> Result<Response, Failure> {
    match &**request.body() {
        b"fail" => Err(Failure::application(404, "no such thing")),
        b"never" => future::pending().await,
        b"count" => {
            let parts = (0..3).map(|number| Ok::<_, Failure>(number.to_string()));
            Ok(Response::stream(stream::iter(parts)))
        }
        b"trace" => Ok(Response::new(request.trace_context().unwrap().to_string())),
        _ => Ok(Response::new(request.into_body())),
    }
}

const ANY: &str = "tcp://127.0.0.1:*";
