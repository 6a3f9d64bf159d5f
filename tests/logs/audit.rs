//! The log of the decisions about remotes.

use support::watchdog::Watchdog;
use tokio_zmtp::auth::{CurveKeypair, Keys, Users};
use tokio_zmtp::monitor::EventKind;
use tokio_zmtp::{Client, Mechanism, Server};
use tracing::Level;

use crate::log::Journal;

#[tokio::test]
async fn each_decision_about_a_remote_is_logged_without_secrets() {
    let _watchdog = Watchdog::start();
    let journal = Journal::start();
    let [ours, alice, mallory] = [(); 3].map(|()| CurveKeypair::generate());
    let keys = Keys::from_iter([(alice.public_key(), "alice")]);
    let by_key = Server::builder()
        .mechanism(Mechanism::curve_server(ours.clone()))
        .authenticator(keys)
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let by_password = Server::builder()
        .mechanism(Mechanism::PlainServer)
        .authenticator(Users::from_iter([("alice", "swordfish")]))
        .domain("orders")
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let key = ours.public_key();
    for keypair in [&alice].into_iter().chain([&mallory; 5]) {
        let mechanism = Mechanism::curve_client((key, keypair.clone()));
        decide(&by_key, mechanism).await;
    }
    for password in ["swordfish", "hunter2"] {
        decide(&by_password, Mechanism::plain_client("alice", password).unwrap()).await;
    }
    by_key.close().await;
    by_password.close().await;

    let admitted = journal.all("admitted");
    assert_eq!(admitted.len(), 2);
    for (entry, claimant) in
        admitted.iter().zip([format!("key {}", alice.public_key()), "user \"alice\"".to_owned()])
    {
        assert_eq!(entry.level, Level::INFO);
        assert_eq!(entry.fields.value("claimant"), Some(&*claimant));
        assert_eq!(entry.fields.value("user_id"), Some("alice"));
        for field in ["connection_id", "domain", "endpoint", "remote"] {
            assert!(entry.fields.value(field).is_some(), "{field}");
        }
    }
    assert_eq!(admitted[0].fields.value("server_key"), Some(&*key.to_string()));
    assert_eq!(admitted[1].fields.value("domain"), Some("orders"));
    let refused = journal.all("not admitted");
    assert_eq!(refused.len(), 6);
    let levels: Vec<_> = refused.iter().map(|entry| entry.level).collect();
    let (info, debug) = (Level::INFO, Level::DEBUG);
    assert_eq!(levels, [info, info, info, debug, debug, info]);
    let claimant = format!("key {}", mallory.public_key());
    assert_eq!(refused[0].fields.value("claimant"), Some(&*claimant));
    assert!(refused[0].fields.value("error").is_some());

    for password in ["swordfish", "hunter2"] {
        assert!(!journal.mentions(password));
    }
    for pair in [ours, alice, mallory] {
        assert!(!journal.mentions(&pair.secret_key().to_text()));
    }
}

/// Waits until a server has decided about a client with a mechanism.
async fn decide(server: &Server, mechanism: Mechanism) {
    let mut events = server.monitor();
    let client = Client::builder().mechanism(mechanism);
    let client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
    while !matches!(
        events.recv().await.unwrap().unwrap().kind,
        EventKind::HandshakeSucceeded | EventKind::HandshakeFailed { .. }
    ) {}
    client.close().await;
}
