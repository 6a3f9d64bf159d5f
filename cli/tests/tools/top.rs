//! Tables of statistics.

use tokio_zmtp::snapshot::Snapshot;
use tokio_zmtp::{Client, Pub, Server};

use crate::process::{Running, run};

#[tokio::test]
async fn the_sockets_and_remotes_of_a_program_are_shown() {
    let server = Server::builder().bind(ANY).await.unwrap();
    let client = Client::builder().connect(server.last_endpoint().unwrap()).await.unwrap();
    client.send("hello").await.unwrap();
    server.recv().await.unwrap();
    let publisher = Pub::builder().bind(ANY).await.unwrap();
    let endpoint = publisher.last_endpoint().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            publisher.subscribed(Snapshot::TOPIC).await.unwrap();
            let snapshot = Snapshot::new("orders").with_socket("frontend", &server);
            let json = serde_json::to_vec(&snapshot).unwrap();
            publisher.send([b"other".as_slice(), &json]).await.unwrap();
            publisher.send([Snapshot::TOPIC.as_bytes(), &json]).await.unwrap();
            tokio::task::yield_now().await;
        }
    });

    let shown = run(["top", &endpoint, "--count=2"]).await.succeeded();
    let (first, second) = shown.split_once("\n\n").unwrap();
    let rows: Vec<Vec<_>> = first.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..2], ["NAME", "TYPE"]);
    assert_eq!(rows[1][0], "orders");
    assert_eq!(rows[2][..4], ["frontend", "SERVER", "1", "-"]);
    assert_eq!(rows[3][1], "CLIENT");
    assert!(second.contains("frontend"), "{shown}");

    let shown = run(["top", &endpoint, "--count=1", "--json"]).await.succeeded();
    let snapshot: Snapshot = serde_json::from_str(&shown).unwrap();
    assert_eq!(snapshot.sockets[0].stats.received.messages, 1);
    let shown = run(["top", &endpoint, "--count=1", "--no-remotes"]).await.succeeded();
    assert!(!shown.contains("CLIENT"), "{shown}");
}

#[tokio::test]
async fn a_proxy_publishes_its_statistics() {
    let sockets = ["pull=@tcp://127.0.0.1:*", "push=@tcp://127.0.0.1:*"];
    let arguments =
        [&["proxy"], &sockets[..], &["--stats", "@tcp://127.0.0.1:*", "--name", "broker"]];
    let mut proxy = Running::start(arguments.concat());
    let [_, _, stats] = [(); 3].map(|()| proxy.endpoint());

    let shown = run(["top", &stats, "--count=1", "--json"]).await.succeeded();
    let snapshot: Snapshot = serde_json::from_str(&shown).unwrap();
    assert_eq!(snapshot.program, "broker");
    let types: Vec<_> = snapshot.sockets.iter().map(|one| one.socket_type.as_str()).collect();
    assert_eq!(types, ["PULL", "PUSH"]);
    assert_eq!(snapshot.proxies[0].name, "proxy");
}

#[tokio::test]
async fn without_statistics_the_time_limit_ends_it() {
    let publisher = Pub::builder().bind(ANY).await.unwrap();
    let endpoint = publisher.last_endpoint().unwrap().to_string();
    let line = run(["top", &endpoint, "--timeout=100ms"]).await.failed(3);
    assert!(line.contains("no snapshot within"), "{line}");
}

const ANY: &str = "tcp://127.0.0.1:*";
