//! The gateway as a process, tested with an HTTP client.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod process;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinHandle;

use self::process::Process;

#[tokio::test]
async fn a_server_behind_the_gateway_answers_a_request() {
    let (mut process, http) = start(&[]).await;
    for _ in 0..10 {
        let reply = http.post("upper hello", &[]).await;
        assert_eq!((reply.status, &*reply.text()), (StatusCode::OK, "HELLO"));
    }
    process.signal("INT").await;
    process.finish().await;
}

#[tokio::test]
async fn the_trace_and_the_timeout_of_a_request_are_forwarded() {
    let (_process, http) = start(&[]).await;
    let reply = http.post("trace", &[("traceparent", TRACE)]).await;
    assert_eq!(reply.text(), TRACE);
    let reply = http.post("trace", &[("traceparent", "nonsense")]).await;
    assert_eq!(reply.text(), "no trace");

    let reply = http.post("remaining", &[("x-request-timeout-ms", "600000")]).await;
    let remaining: u64 = reply.text().parse().unwrap();
    // Without the header, the limit is 30 seconds.
    assert!(remaining > 30_000 && remaining <= 600_000, "{remaining}");
}

#[tokio::test]
async fn a_streamed_reply_is_returned_as_server_sent_events() {
    let (_process, http) = start(&[]).await;
    let reply = http.get("/events?task=count+3").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    assert_eq!(reply.text(), "data: 1\n\ndata: 2\n\ndata: 3\n\nevent: end\ndata: done\n\n");
    let reply = http.get("/events?task=count+many").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn each_error_has_its_status() {
    let (_process, http) = start(&[]).await;
    for (task, headers, status) in [
        ("sleep 60000", &[("x-request-timeout-ms", "50")][..], StatusCode::GATEWAY_TIMEOUT),
        ("upper x", &[("x-request-timeout-ms", "soon")], StatusCode::BAD_REQUEST),
        ("juggle", &[], StatusCode::NOT_FOUND),
        ("fail 422", &[], StatusCode::UNPROCESSABLE_ENTITY),
        ("fail 200", &[], StatusCode::BAD_GATEWAY),
        ("fail 4294967295", &[], StatusCode::BAD_GATEWAY),
    ] {
        let reply = http.post(task, headers).await;
        assert_eq!(reply.status, status, "{task}: {}", reply.text());
        assert!(!reply.headers.contains_key("retry-after"));
    }
    let reply = http.post(vec![b'x'; 0x1_0001], &[]).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn requests_above_the_limit_are_refused_as_retryable() {
    let (_process, http) = start(&[("MAX_CALLS", "1")]).await;
    let slow = http.post_in_background("sleep 60000");
    http.until_sent(1).await;
    let reply = http.post("upper hello", &[]).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers["retry-after"], "1");
    // A caller that disconnects releases its permit.
    slow.abort();
    while http.post("upper hello", &[]).await.status != StatusCode::OK {}
}

#[tokio::test]
async fn without_a_server_requests_are_refused_as_retryable() {
    let (_process, http) = start(&[("WORKERS", "0")]).await;
    let reply = http.post("upper hello", &[]).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers["retry-after"], "1");
}

#[tokio::test]
async fn statistics_are_published_for_prometheus() {
    let (_process, http) = start(&[]).await;
    http.post("upper hello", &[]).await;
    // The reply arrives as soon as one permit is free.
    http.until_shown("zmtp_connected_remotes", 3).await;
    let shown = http.get("/metrics").await.text();
    for line in [
        "# TYPE zmtp_sent_messages_total counter".to_owned(),
        format!("zmtp_received_messages_total{LABELS} 1"),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}:\n{shown}");
    }
}

#[tokio::test]
async fn open_requests_finish_before_the_process_ends() {
    for signal in ["INT", "TERM"] {
        let (mut process, http) = start(&[]).await;
        let slow = http.post_in_background("sleep 1000");
        http.until_sent(1).await;
        process.signal(signal).await;
        let reply = slow.await.unwrap();
        assert_eq!((reply.status, &*reply.text()), (StatusCode::OK, "slept"));
        process.finish().await;
    }
}

#[tokio::test]
async fn an_endless_stream_ends_with_the_gateway() {
    let (mut process, http) = start(&[]).await;
    let mut events = http.open("/events?task=count+4294967295").await;
    let first = events.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"data: 1\n\n"));
    process.signal("INT").await;
    while let Some(frame) = events.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(!String::from_utf8_lossy(&data).contains("event: "), "the stream ended by itself");
    }
    process.finish().await;
}

/// The HTTP client of hyper-util, which axum already depends on.
#[derive(Clone)]
struct Http {
    client: Client<HttpConnector, Body>,
    address: String,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Http {
    async fn post(&self, task: impl Into<Body>, headers: &[(&'static str, &str)]) -> Reply {
        let mut request = Request::new(task.into());
        *request.method_mut() = Method::POST;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        self.ask("/tasks", request).await
    }

    fn post_in_background(&self, task: &'static str) -> JoinHandle<Reply> {
        let http = self.clone();
        tokio::spawn(async move { http.post(task, &[]).await })
    }

    async fn get(&self, path: &str) -> Reply {
        self.ask(path, Request::new(Body::empty())).await
    }

    /// Sends a request, and returns the response with its body unread.
    async fn open(&self, path: &str) -> Incoming {
        let uri = format!("http://{}{path}", self.address);
        self.client.get(uri.parse().unwrap()).await.unwrap().into_body()
    }

    /// Waits until a number of requests have been sent to servers.
    async fn until_sent(&self, requests: u32) {
        self.until_shown("zmtp_sent_messages_total", requests).await;
    }

    /// Polls until a metric of the workers' socket has a value.
    async fn until_shown(&self, metric: &str, wanted: u32) {
        let wanted = format!("{metric}{LABELS} {wanted}");
        while !self.get("/metrics").await.text().lines().any(|line| line == wanted) {}
    }

    async fn ask(&self, path: &str, mut request: Request<Body>) -> Reply {
        *request.uri_mut() = format!("http://{}{path}", self.address).parse().unwrap();
        let (head, body) = self.client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status, headers: head.headers, body }
    }
}

impl Reply {
    fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

async fn start(settings: &[(&str, &str)]) -> (Process, Http) {
    let process = Process::start(env!("CARGO_BIN_EXE_gateway"), settings).await;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let address = process.address.clone();
    (process, Http { client, address })
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The label of the socket that is connected to the workers.
const LABELS: &str = r#"{socket="workers",socket_type="CLIENT"}"#;
