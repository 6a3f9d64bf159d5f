//! Options of calls at zero, at the minimum and at the maximum.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use tokio::time;
use tokio_zmtp::rpc::{
    CallError, ErrorCode, Failure, Request, Requester, RequesterBuilder, Responder,
    ResponderBuilder, Response, service_fn,
};
use tokio_zmtp::{Client, Server};

use crate::wire::unique;

#[tokio::test]
async fn every_option_of_calls_works_at_its_limits() {
    for Row { option, value, expected, requester, responder } in rows() {
        for endpoint in ["tcp://127.0.0.1:*", &unique()] {
            let server = Server::new();
            let bound = server.bind(endpoint).await.unwrap();
            let client = Client::new();
            client.connect(bound).await.unwrap();
            tokio::spawn(responder(Responder::builder(server)).build().serve(service_fn(answer)));
            let requester = requester(Requester::builder(client)).build();
            let reply = requester.call("x").await;
            let parts: Vec<_> = requester.stream("stream").collect().await;
            let case = format!("{option}({value}): {reply:?}, {parts:?}");
            match expected {
                Expected::Works => {
                    assert!(reply.is_ok_and(|reply| reply == "x"), "{case}");
                    assert!(parts.len() == 3 && parts.iter().all(Result::is_ok), "{case}");
                }
                Expected::Late => {
                    assert!(reply.is_err_and(|error| is_overdue(&error)), "{case}");
                    assert!(matches!(&parts[..], [Err(error)] if is_overdue(error)), "{case}");
                }
            }
        }
    }
}

#[test]
fn every_option_of_calls_is_in_the_table() {
    let rpc = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rpc");
    let mut setters = BTreeSet::new();
    for file in ["requester/builder.rs", "responder/mod.rs"] {
        let text = fs::read_to_string(rpc.join(file)).unwrap();
        for function in text.split("pub fn ").skip(1) {
            let (name, head) = function.split_once('(').unwrap();
            if head.starts_with("self, ") {
                setters.insert(name.to_owned());
            }
        }
    }
    let table: BTreeSet<_> = rows().iter().map(|row| row.option.to_owned()).collect();
    assert_eq!(table, setters);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_have_a_longer_timeout_than_the_default() {
    let server = Server::new();
    let endpoint = server.bind(unique()).await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    tokio::spawn(Responder::new(server).serve(service_fn(answer)));
    let requester = Requester::builder(client).timeout(Duration::from_secs(1)).build();
    assert!(is_late(&requester.call("slow").await));
    for timeout in [Duration::from_secs(20), Duration::MAX] {
        let request = Request::from("slow").with_timeout(timeout);
        assert!(request.deadline().is_some());
        assert_eq!(requester.call(request).await.unwrap(), "slow");
    }
    for timeout in [Duration::ZERO, Duration::from_nanos(1)] {
        let late = requester.call(Request::from("slow").with_timeout(timeout)).await;
        assert!(is_late(&late));
    }
    let past = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
    let late = requester.call(Request::from("slow").with_deadline(past)).await;
    assert!(is_late(&late));
}

#[tokio::test]
async fn a_timeout_beyond_the_range_of_the_envelope_is_not_sent() {
    let server = Server::new();
    let endpoint = server.bind(unique()).await.unwrap();
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    tokio::spawn(Responder::new(server).serve(service_fn(answer)));
    let requester = Requester::new(client);
    let longest = Duration::from_millis(u32::MAX.into());
    for (timeout, travels) in [
        (longest - Duration::from_secs(60), "true"),
        (longest + Duration::from_secs(60), "false"),
        (Duration::MAX, "false"),
    ] {
        let request = Request::from("limited").with_timeout(timeout);
        assert_eq!(requester.call(request).await.unwrap(), travels, "{timeout:?}");
    }
}

/// Returns whether the deadline has passed on this side, before or after the request was sent.
const fn is_overdue(error: &CallError) -> bool {
    matches!(error, CallError::DeadlineExceeded | CallError::NotSent)
}

/// Returns whether the deadline has passed. Either side may detect it first.
fn is_late<T>(outcome: &Result<T, CallError>) -> bool {
    match outcome {
        Err(error) if is_overdue(error) => true,
        Err(CallError::Failed(failure)) => failure.code() == ErrorCode::DEADLINE_EXCEEDED,
        _ => false,
    }
}

async fn answer(request: Request) -> Result<Response, Failure> {
    match request.body().to_str().unwrap() {
        "limited" => Ok(Response::new(request.deadline().is_some().to_string())),
        "slow" => {
            time::sleep(Duration::from_secs(10)).await;
            Ok(Response::new("slow"))
        }
        "stream" => Ok(Response::stream(stream::iter(["a", "b", "c"]).map(Ok::<_, Failure>))),
        _ => Ok(Response::new(request.into_body())),
    }
}

/// One value of one option.
struct Row {
    option: &'static str,
    value: &'static str,
    expected: Expected,
    requester: fn(RequesterBuilder) -> RequesterBuilder,
    responder: fn(ResponderBuilder) -> ResponderBuilder,
}

#[derive(Clone, Copy)]
enum Expected {
    /// Every call misses its deadline.
    Late,
    Works,
}

macro_rules! rows {
    (
        requester { $($option:ident: $($expected:ident: $value:expr),+;)+ }
        responder { $($of_responder:ident: $($works:ident: $its_value:expr),+;)+ }
    ) => {
        vec![
            $($(Row {
                option: stringify!($option),
                value: stringify!($value),
                expected: Expected::$expected,
                requester: |builder| builder.$option($value),
                responder: |builder| builder,
            },)+)+
            $($(Row {
                option: stringify!($of_responder),
                value: stringify!($its_value),
                expected: Expected::$works,
                requester: |builder| builder,
                responder: |builder| builder.$of_responder($its_value),
            },)+)+
        ]
    };
}

fn rows() -> Vec<Row> {
    rows! {
        requester {
            max_outstanding: Works: 0, Works: 1, Works: usize::MAX;
            stream_window: Works: 0, Works: 1, Works: u32::MAX;
            timeout: Late: Duration::ZERO, Late: Duration::from_nanos(1), Works: Duration::MAX;
        }
        responder {
            max_bytes_per_remote: Works: 0, Works: 1, Works: usize::MAX;
            max_running: Works: 0, Works: 1, Works: usize::MAX;
            max_running_per_remote: Works: 0, Works: 1, Works: usize::MAX;
            max_waiting: Works: 0, Works: 1, Works: usize::MAX;
            max_waiting_per_remote: Works: 0, Works: 1, Works: usize::MAX;
        }
    }
}
