//! Each decision about a remote is reported to the audit hook once.

use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_zmtp::auth::{
    AuditEvent, AuditOutcome, CurveKeypair, Keys, Networks, ServerKeys, StatusCode, Users,
};
use tokio_zmtp::monitor::{Claimant, HandshakeFailure};
use tokio_zmtp::{Builder, Client, Mechanism, Server};

use crate::remote::Remote;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn each_decision_about_a_key_is_reported_once() {
    let _watchdog = Watchdog::start();
    let [old, new, alice, mallory] = [(); 4].map(|()| CurveKeypair::generate());
    let server_keys = ServerKeys::new(old.clone());
    server_keys.rotate(new.clone(), None).unwrap();
    let keys = Keys::from_iter([(alice.public_key(), "alice")]);
    for bound in endpoints() {
        let server = Server::builder()
            .mechanism(Mechanism::curve_server(server_keys.clone()))
            .authenticator(keys.clone())
            .domain("orders");
        let (server, mut events) = audited(server);
        let server = server.bind(bound).await.unwrap();
        let endpoint = server.last_endpoint().unwrap();
        let connect = |server_key, keypair: &CurveKeypair| {
            let mechanism = Mechanism::curve_client((server_key, keypair.clone()));
            client(mechanism).connect(endpoint.clone())
        };
        for server_key in [&new, &old].map(CurveKeypair::public_key) {
            let admitted = connect(server_key, &alice).await.unwrap();
            admitted.send("hello").await.unwrap();
            let (_, remote) = server.recv_from().await.unwrap();
            // It is reported before the first message.
            let event = events.try_recv().unwrap();
            assert!(matches!(event.outcome, AuditOutcome::Admitted), "{event:?}");
            assert_eq!(event.claimant, Some(Claimant::Key(alice.public_key())));
            assert_eq!(event.server_key, Some(server_key));
            assert_eq!(event.user_id.as_deref(), Some("alice"));
            assert_eq!(&*event.domain, "orders");
            assert_eq!(event.endpoint, endpoint);
            assert_eq!(event.connection_id, remote.connection_id());
            assert_eq!(event.address, remote.address());
            assert_eq!(event.process, remote.credentials());
            assert_eq!(event.proxy_address, None);
        }
        let _refused = connect(old.public_key(), &mallory).await.unwrap();
        let event = events.recv().await.unwrap();
        let AuditOutcome::NotAdmitted {
            reason: HandshakeFailure::Rejected { status: StatusCode::Denied, .. },
        } = event.outcome
        else {
            panic!("{event:?}")
        };
        assert_eq!(event.claimant, Some(Claimant::Key(mallory.public_key())));
        assert_eq!(event.server_key, Some(old.public_key()));
        assert_eq!(event.user_id, None);
        assert_eq!(event.endpoint, endpoint);
        let _stranger = connect(mallory.public_key(), &alice).await.unwrap();
        let event = events.recv().await.unwrap();
        let AuditOutcome::NotAdmitted { reason: HandshakeFailure::WrongKey(_) } = event.outcome
        else {
            panic!("{event:?}")
        };
        assert_eq!((event.claimant, event.server_key), (None, None));
        server.close().await;
        assert!(events.try_recv().is_err());
    }
}

#[tokio::test]
async fn decisions_about_users_and_addresses_are_reported_without_passwords() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .mechanism(Mechanism::PlainServer)
        .authenticator(Users::from_iter([("alice", "swordfish")]));
    let (server, mut events) = audited(server);
    let server = server.bind(ANY_PORT).await.unwrap();
    for (password, is_right) in [("swordfish", true), ("hunter2", false)] {
        let client = client(Mechanism::plain_client("alice", password).unwrap());
        let _client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
        let event = events.recv().await.unwrap();
        assert_eq!(matches!(event.outcome, AuditOutcome::Admitted), is_right, "{event:?}");
        assert_eq!(event.claimant, Some(Claimant::User("alice".to_owned())));
        assert_eq!(event.user_id.as_deref(), is_right.then_some("alice"));
        assert!(!format!("{event:?}").contains(password));
    }

    let networks = Networks::new();
    networks.deny("127.0.0.0/8".parse().unwrap());
    let (server, mut events) = audited(Server::builder().authenticator(networks.clone()));
    let server = server.bind(ANY_PORT).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    Remote::dial(&endpoint).await.read_to_end().await;
    let event = events.recv().await.unwrap();
    let reason = HandshakeFailure::AddressDenied.to_string();
    assert!(
        matches!(&event.outcome, AuditOutcome::NotAdmitted { reason: told } if told.to_string() == reason)
    );
    assert!(event.address.unwrap().ip().is_loopback());
    networks.replace(["127.0.0.1".parse().unwrap()], []);
    let _client = Client::builder().connect(endpoint).await.unwrap();
    let event = events.recv().await.unwrap();
    assert!(matches!(event.outcome, AuditOutcome::Admitted), "{event:?}");
}

#[tokio::test]
async fn decisions_without_an_authenticator_are_reported_with_keys_and_users() {
    let _watchdog = Watchdog::start();
    let [ours, alice] = [(); 2].map(|()| CurveKeypair::generate());
    let (server, mut events) =
        audited(Server::builder().mechanism(Mechanism::curve_server(ours.clone())));
    let server = server.bind(ANY_PORT).await.unwrap();
    let mechanism = Mechanism::curve_client((ours.public_key(), alice.clone()));
    let _client = client(mechanism).connect(server.last_endpoint().unwrap()).await.unwrap();
    let event = events.recv().await.unwrap();
    assert!(matches!(event.outcome, AuditOutcome::Admitted), "{event:?}");
    assert_eq!(event.claimant, Some(Claimant::Key(alice.public_key())));
    assert_eq!(event.server_key, Some(ours.public_key()));

    let (server, mut events) = audited(Server::builder().mechanism(Mechanism::PlainServer));
    let server = server.bind(ANY_PORT).await.unwrap();
    let mechanism = Mechanism::plain_client("alice", "swordfish").unwrap();
    let _client = client(mechanism).connect(server.last_endpoint().unwrap()).await.unwrap();
    let event = events.recv().await.unwrap();
    assert!(matches!(event.outcome, AuditOutcome::NotAdmitted { .. }), "{event:?}");
    assert_eq!(event.claimant, Some(Claimant::User("alice".to_owned())));
}

#[tokio::test]
async fn a_revocation_is_reported_with_the_connection_of_the_admission() {
    let _watchdog = Watchdog::start();
    let [ours, alice] = [(); 2].map(|()| CurveKeypair::generate());
    let keys = Keys::from_iter([(alice.public_key(), "alice")]);
    let (server, mut events) = audited(
        Server::builder()
            .mechanism(Mechanism::curve_server(ours.clone()))
            .authenticator(keys.clone()),
    );
    let server = server.bind(ANY_PORT).await.unwrap();
    let client = client(Mechanism::curve_client((ours.public_key(), alice.clone())));
    let client = client.connect(server.last_endpoint().unwrap()).await.unwrap();
    exchange(&server, &client).await;
    let admitted = events.recv().await.unwrap();
    assert!(matches!(admitted.outcome, AuditOutcome::Admitted), "{admitted:?}");
    keys.revoke(&alice.public_key());
    let revoked = events.recv().await.unwrap();
    assert!(matches!(revoked.outcome, AuditOutcome::Revoked), "{revoked:?}");
    assert_eq!(revoked.connection_id, admitted.connection_id);
    assert_eq!(revoked.user_id.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_socket_that_decides_nothing_reports_nothing() {
    let _watchdog = Watchdog::start();
    let (open, mut of_open) = audited(Server::builder());
    let open = open.bind(ANY_PORT).await.unwrap();
    let (to_open, mut of_client) = audited(client(Mechanism::Null));
    exchange(&open, &to_open.connect(open.last_endpoint().unwrap()).await.unwrap()).await;

    let (local, mut of_local) = audited(Server::builder().authenticator(Networks::new()));
    let local = local.bind("inproc://*").await.unwrap();
    exchange(&local, &Client::builder().connect(local.last_endpoint().unwrap()).await.unwrap())
        .await;

    let keypair = CurveKeypair::generate();
    let secure = Server::builder().mechanism(Mechanism::curve_server(keypair.clone()));
    let (secure, mut of_secure) = audited(secure);
    let secure = secure.bind(ANY_PORT).await.unwrap();
    let (to_secure, mut of_curve_client) =
        audited(client(Mechanism::curve_client(keypair.public_key())));
    let to_secure = to_secure.connect(secure.last_endpoint().unwrap()).await.unwrap();
    exchange(&secure, &to_secure).await;
    // It is the server of the mechanism, although it has no authenticator.
    of_secure.try_recv().unwrap();
    for events in [&mut of_open, &mut of_client, &mut of_local, &mut of_curve_client] {
        assert!(events.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_panic_of_the_hook_affects_no_connection() {
    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .mechanism(Mechanism::PlainServer)
        .authenticator(Users::from_iter([("alice", "swordfish")]))
        .audit(|event| panic!("the test requires this panic: {event:?}"));
    let server = server.bind(ANY_PORT).await.unwrap();
    for _ in 0..2 {
        let client = client(Mechanism::plain_client("alice", "swordfish").unwrap());
        exchange(&server, &client.connect(server.last_endpoint().unwrap()).await.unwrap()).await;
    }
}

/// Adds a hook that passes events on.
fn audited<S>(builder: Builder<S>) -> (Builder<S>, UnboundedReceiver<AuditEvent>) {
    let (sender, events) = mpsc::unbounded_channel();
    // The test may have ended.
    let audited = builder.audit(move |event| drop(sender.send(event.clone())));
    (audited, events)
}

/// Returns the builder of a client that makes one attempt.
fn client(mechanism: Mechanism) -> Builder<Client> {
    Client::builder().mechanism(mechanism).reconnect_interval(Duration::from_secs(3_600))
}

async fn exchange(server: &Server, client: &Client) {
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
}

/// Returns an endpoint to bind of each transport that authenticates remotes.
fn endpoints() -> Vec<&'static str> {
    let mut endpoints = vec![ANY_PORT];
    if cfg!(unix) {
        endpoints.push("ipc://*");
    }
    if cfg!(feature = "ws") {
        endpoints.push("ws://127.0.0.1:*/orders");
    }
    endpoints
}

const ANY_PORT: &str = "tcp://127.0.0.1:*";
