//! The gRPC service as a process, tested with tonic's client.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

mod process;

use std::time::Duration;

use futures::TryStreamExt;
use services::proto::tasks_client::TasksClient;
use services::proto::{Outcome, Task};
use tonic::transport::Channel;
use tonic::{Code, Request};

use self::process::Process;

#[tokio::test]
async fn a_server_behind_the_service_answers_a_request() {
    let (mut process, mut tasks) = start(&[]).await;
    for _ in 0..10 {
        let reply = tasks.perform(task("upper hello")).await.unwrap();
        assert_eq!(reply.into_inner().text, "HELLO");
    }
    drop(tasks);
    process.signal("INT").await;
    process.finish().await;
}

#[tokio::test]
async fn a_streamed_reply_is_returned_as_a_stream() {
    let (_process, mut tasks) = start(&[]).await;
    let replies = tasks.follow(task("count 3")).await.unwrap().into_inner();
    let replies: Vec<Outcome> = replies.try_collect().await.unwrap();
    assert!(replies.into_iter().map(|outcome| outcome.text).eq(["1", "2", "3"]));
    let mut replies = tasks.follow(task("count many")).await.unwrap().into_inner();
    assert_eq!(replies.message().await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_trace_and_the_timeout_of_a_request_are_forwarded() {
    let (_process, mut tasks) = start(&[]).await;
    let mut request = task("trace");
    request.metadata_mut().insert("traceparent", TRACE.parse().unwrap());
    assert_eq!(tasks.perform(request).await.unwrap().into_inner().text, TRACE);

    let mut request = task("remaining");
    request.set_timeout(Duration::from_secs(600));
    let remaining = tasks.perform(request).await.unwrap().into_inner().text;
    let remaining: u64 = remaining.parse().unwrap();
    // Without a deadline, the limit is 30 seconds.
    assert!(remaining > 30_000 && remaining <= 600_000, "{remaining}");
}

#[tokio::test]
async fn each_error_has_its_status() {
    let (_process, mut tasks) = start(&[]).await;
    for (text, code) in [
        ("juggle", Code::NotFound),
        ("count many", Code::InvalidArgument),
        ("fail 429", Code::ResourceExhausted),
        ("fail 7", Code::FailedPrecondition),
        // A stream, although one reply is expected.
        ("count 3", Code::Internal),
    ] {
        let status = tasks.perform(task(text)).await.unwrap_err();
        assert_eq!(status.code(), code, "{text}: {status}");
    }
    let mut request = task("sleep 60000");
    request.set_timeout(Duration::from_secs(2));
    let status = tasks.perform(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
}

#[tokio::test]
async fn without_a_server_requests_are_refused_as_retryable() {
    let (_process, mut tasks) = start(&[("WORKERS", "0")]).await;
    let status = tasks.perform(task("upper hello")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}

#[tokio::test]
async fn open_requests_finish_before_the_process_ends() {
    for signal in ["INT", "TERM"] {
        let (mut process, mut tasks) = start(&[]).await;
        let mut other = tasks.clone();
        let slow = tokio::spawn(async move { tasks.perform(task("sleep 1000")).await });
        // The reply shows that the service has received the slow request: it uses the same
        // connection.
        tokio::task::yield_now().await;
        other.perform(task("upper hello")).await.unwrap();
        process.signal(signal).await;
        assert_eq!(slow.await.unwrap().unwrap().into_inner().text, "slept");
        drop(other);
        process.finish().await;
    }
}

fn task(text: &str) -> Request<Task> {
    Request::new(Task { text: text.to_owned() })
}

async fn start(settings: &[(&str, &str)]) -> (Process, TasksClient<Channel>) {
    let process = Process::start(env!("CARGO_BIN_EXE_grpc"), settings).await;
    let tasks = TasksClient::connect(format!("http://{}", process.address)).await.unwrap();
    (process, tasks)
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
