//! What is found out about remotes.

use std::fs;

use serde_json::Value;
use support::remote::ReservedPort;
use tokio_zmtp::auth::{CurveKeypair, Keys};
use tokio_zmtp::{Endpoint, Mechanism, Pub, Router};

use crate::process::{directory, run};

#[tokio::test]
async fn the_type_and_the_properties_of_a_remote_are_shown() {
    let publisher = Pub::builder().metadata("X-Tenant", "blue").unwrap().bind(ANY).await.unwrap();
    let endpoint = publisher.last_endpoint().unwrap().to_string();

    let shown = run(["monitor", &endpoint]).await.succeeded();
    let rows =
        "  protocol    ZMTP 3.1\n  mechanism   NULL\n  type        PUB\n  X-Tenant    blue\n";
    assert_eq!(shown, format!("{endpoint}\n{rows}"));
    assert!(publisher.remotes().is_empty());

    let shown: Value =
        serde_json::from_str(&run(["monitor", &endpoint, "--json"]).await.succeeded()).unwrap();
    assert_eq!(shown["type"], "PUB");
    assert_eq!(shown["outcome"], "announced");
    assert_eq!(shown["properties"]["X-Tenant"], "blue");
}

#[tokio::test]
async fn the_key_of_a_server_is_checked() {
    let server = CurveKeypair::generate();
    let (_server, endpoint) = curve_server(&server, None).await;
    let endpoint = endpoint.to_string();
    let (right, wrong) =
        (server.public_key().to_string(), CurveKeypair::generate().public_key().to_string());

    let shown = run(["monitor", &endpoint]).await.succeeded();
    assert!(shown.contains("CURVE, server") && shown.contains("--curve-server-key"), "{shown}");
    let shown = run(["monitor", &endpoint, &format!("--curve-server-key={right}")]).await;
    assert!(shown.succeeded().contains("has the key"));
    let line = run(["monitor", &endpoint, &format!("--curve-server-key={wrong}")]).await.failed(4);
    assert!(line.contains("another key") && line.contains("--curve-server-key"), "{line}");
}

#[tokio::test]
async fn the_reason_why_a_client_is_refused_is_shown() {
    let server = CurveKeypair::generate();
    let (_server, endpoint) = curve_server(&server, Some(Keys::new())).await;
    let (endpoint, key) = (endpoint.to_string(), server.public_key().to_string());
    let file = directory("refused").join("alice.key");
    fs::write(&file, CurveKeypair::generate().secret_key().to_text().as_str()).unwrap();
    let arguments = [
        "monitor".to_owned(),
        endpoint,
        "--join-as=sub".to_owned(),
        format!("--curve-server-key={key}"),
        format!("--secret-key={}", file.display()),
    ];

    let ended = run(arguments).await;
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.ends_with("the remote refuses this socket: 400 denied"), "{ended:?}");
    let line = ended.failed(4);
    assert!(line.contains("the remote refuses this socket: 400 denied"), "{line}");
}

#[tokio::test]
async fn a_remote_that_waits_is_reported() {
    let router = Router::builder().bind(ANY).await.unwrap();
    let endpoint = router.last_endpoint().unwrap().to_string();
    let shown = run(["monitor", &endpoint, "--timeout=100ms"]).await.succeeded();
    assert!(shown.contains("--join-as"), "{shown}");
}

#[tokio::test]
async fn failures_have_a_reason_and_a_hint() {
    let port = ReservedPort::reserve();
    let line = run(["monitor", &port.endpoint().to_string()]).await.failed(6);
    assert!(line.contains("refused") && line.contains("is the remote running"), "{line}");

    let line = run(["monitor", "localhost:5555"]).await.failed(2);
    assert!(line.contains("tcp://localhost:5555"), "{line}");
}

async fn curve_server(keypair: &CurveKeypair, keys: Option<Keys>) -> (Pub, Endpoint) {
    let mut builder = Pub::builder().mechanism(Mechanism::curve_server(keypair.clone()));
    if let Some(keys) = keys {
        builder = builder.authenticator(keys);
    }
    let server = builder.bind(ANY).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    (server, endpoint)
}

const ANY: &str = "tcp://127.0.0.1:*";
