//! Measurements. Their results are checked for their form, not for their size.

use std::fs;

use serde_json::Value;
use support::python;
use support::remote::ReservedPort;
use tokio_zmtp::rpc::{Failure, Request, Responder, service_fn};
use tokio_zmtp::{Pull, Push, Rep, Server};

use crate::process::{directory, run};

#[tokio::test]
async fn the_throughput_of_a_push_and_of_a_pull_is_measured() {
    let pull = Pull::builder().bind(ANY).await.unwrap();
    let endpoint = pull.last_endpoint().unwrap().to_string();
    tokio::spawn(async move { while pull.recv().await.is_ok() {} });
    let shown = run(["bench", "throughput", &endpoint, "--json", SHORT, COLD]).await.succeeded();
    let result: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(result["direction"], "sent");
    assert!(result["messages_per_second"].as_f64().unwrap() > 0.0, "{shown}");

    let push = Push::builder().bind(ANY).await.unwrap();
    let endpoint = push.last_endpoint().unwrap().to_string();
    tokio::spawn(async move { while push.send("message").await.is_ok() {} });
    let arguments = ["bench", "throughput", "-T", "pull", &endpoint, SHORT, COLD];
    let shown = run(arguments).await.succeeded();
    assert!(shown.starts_with("received ") && shown.contains(" messages/s"), "{shown}");
}

/// A REP of Python echoes.
#[tokio::test]
async fn the_latency_of_a_rep_of_python_is_measured() {
    let Some(mut rep) = python::start(env!("CARGO_TARGET_TMPDIR"), "cli/tests/tools/echo.py")
    else {
        return;
    };
    let endpoint = rep.line();
    let svg = directory("latency").join("latency.svg");
    let file = format!("--svg={}", svg.display());

    let arguments = ["bench", "latency", &endpoint, "--rate=200", &file, SHORT, COLD];
    let shown = run(arguments).await.succeeded();
    assert!(shown.contains("p99.9") && shown.contains("over 1 connection"), "{shown}");
    assert!(fs::read_to_string(svg).unwrap().contains("<polyline"));

    for style in ["req", "dealer"] {
        let arguments =
            ["bench", "latency", &endpoint, "-T", style, "-C2", "-r0", "--json", SHORT, COLD];
        let result: Value = serde_json::from_str(&run(arguments).await.succeeded()).unwrap();
        assert!(result["requests"].as_u64().unwrap() > 0, "{result}");
        assert_eq!(result["failures"], 0);
        let latency = &result["latency_nanoseconds"];
        assert!(latency["p50"].as_u64() <= latency["max"].as_u64(), "{result}");
    }
    rep.write_line("end");
    assert_eq!(rep.finish(), "");
}

#[tokio::test]
async fn the_latency_of_a_service_is_measured() {
    let server = Server::builder().bind(ANY).await.unwrap();
    let endpoint = server.last_endpoint().unwrap().to_string();
    let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
    tokio::spawn(Responder::new(server).serve(echo));
    let arguments = ["bench", "latency", &endpoint, "-T", "rpc", "hello", "-r0", SHORT, COLD];
    let shown = run(arguments).await.succeeded();
    assert!(shown.contains("requests/s"), "{shown}");
}

#[tokio::test]
async fn an_unreachable_or_silent_remote_ends_the_measurement() {
    let port = ReservedPort::reserve();
    let endpoint = port.endpoint().to_string();
    let arguments = ["bench", "latency", "--quiet", &endpoint, "--timeout=100ms", SHORT];
    let line = run(arguments).await.failed(3);
    assert!(line.contains("cannot connect"), "{line}");

    let silent = Rep::builder().bind(ANY).await.unwrap();
    let endpoint = silent.last_endpoint().unwrap().to_string();
    let arguments = ["bench", "latency", "--quiet", &endpoint, "--timeout=100ms", SHORT];
    let line = run(arguments).await.failed(3);
    assert!(line.contains("no reply within"), "{line}");
}

const ANY: &str = "tcp://127.0.0.1:*";

/// The time of a measurement.
const SHORT: &str = "--duration=200ms";

const COLD: &str = "--warm-up=0s";
