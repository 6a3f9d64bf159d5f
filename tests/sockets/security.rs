//! Admission of remotes, and its result at both ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use tokio_zmtp::auth::{
    Admission, Authenticator, Caller, Credentials, CurveKeypair, Keys, Networks, Request,
    StatusCode, Users,
};
use tokio_zmtp::monitor::{Claimant, DialFailure, EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{Builder, Client, Endpoint, Mechanism, NoRemoteError, Server};

use crate::bodies;
use crate::remote::Remote;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn messages_pass_under_every_mechanism_and_either_role() {
    let _watchdog = Watchdog::start();
    for (one, other) in mechanisms() {
        for (of_client, of_server) in [(one.clone(), other.clone()), (other, one)] {
            for server_binds in [true, false] {
                let client = Client::builder().mechanism(of_client.clone()).authenticator(AdmitAll);
                let server = Server::builder().mechanism(of_server.clone()).authenticator(AdmitAll);
                let (client, server) = if server_binds {
                    let server = server.bind(ANY_PORT).await.unwrap();
                    (client.connect(server.last_endpoint().unwrap()).await.unwrap(), server)
                } else {
                    let client = client.bind(ANY_PORT).await.unwrap();
                    let server = server.connect(client.last_endpoint().unwrap()).await.unwrap();
                    (client, server)
                };
                bodies::pass_both_ways(&server, &client, [0, 1, 100, 40_000, 1_000_000]).await;
            }
        }
    }
}

#[tokio::test]
async fn heartbeats_and_automatic_messages_are_encrypted() {
    let _watchdog = Watchdog::start();
    let (of_client, of_server) = curve();
    let server = Server::builder()
        .mechanism(of_server)
        .hello_message("welcome")
        .heartbeat_interval(Duration::from_millis(5))
        .bind(ANY_PORT)
        .await
        .unwrap();
    let client = Client::builder()
        .mechanism(of_client)
        .heartbeat_interval(Duration::from_millis(5))
        .connect(server.last_endpoint().unwrap())
        .await
        .unwrap();
    assert_eq!(client.recv().await.unwrap(), "welcome");
    client.send("request").await.unwrap();
    let request = server.recv().await.unwrap();
    let id = request.routing_id().unwrap();
    while server.remotes().stats(id).unwrap().heartbeat_round_trip.is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn messages_carry_the_properties_that_the_authenticator_granted() {
    struct Roles;

    impl Authenticator for Roles {
        async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
            assert_eq!(&*request.caller.domain, "testing");
            assert!(request.caller.address.is_some());
            match request.credentials {
                Credentials::Plain { username, password } if password == "right".into() => {
                    let admission = Admission::user(username).property("X-Role", "user");
                    admission.map_err(|_| StatusCode::InternalError)
                }
                _ => Err(StatusCode::Denied),
            }
        }
    }

    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .mechanism(Mechanism::PlainServer)
        .authenticator(Roles)
        .domain("testing")
        .bind(ANY_PORT)
        .await
        .unwrap();
    let client = plain_client("alice", "right")
        .metadata("X-Role", "admin")
        .unwrap()
        .metadata("X-Color", "red")
        .unwrap()
        .connect(server.last_endpoint().unwrap())
        .await
        .unwrap();
    client.send("who am I").await.unwrap();
    let (_, remote) = server.recv_from().await.unwrap();
    assert_eq!(remote.user_id(), Some("alice"));
    // The remote cannot announce its own user id.
    assert_eq!(remote.property("x-role"), Some(&b"user"[..]));
    assert_eq!(remote.granted_property("X-Role"), Some(&b"user"[..]));
    assert_eq!(remote.property("X-Color"), Some(&b"red"[..]));
    assert_eq!(remote.granted_property("X-Color"), None);
}

#[tokio::test]
async fn a_denied_client_receives_the_reason_and_does_not_reconnect() {
    let _watchdog = Watchdog::start();
    let users = Users::from_iter([("alice", "right")]);
    let server = plain_server(users).await;
    let mut events = server.monitor();
    let endpoint = server.last_endpoint().unwrap();
    for (name, password) in [("alice", "wrong"), ("bob", "right"), ("", "")] {
        let client = plain_client(name, password).connect(endpoint.clone()).await.unwrap();
        assert_eq!(refusal(&client).await, "400");
        let failure = failure(&mut events).await;
        let HandshakeFailure::Rejected { status, claimant, .. } = &failure else {
            panic!("{failure:?}")
        };
        assert_eq!(*status, StatusCode::Denied);
        assert_eq!(*claimant, Some(Claimant::User(name.to_owned())));
        let shown = failure.to_string();
        assert_eq!(shown, format!("the remote is not admitted: 400 denied (user {name:?})"));
        assert!(!format!("{failure:?}").contains(password) || password.is_empty());
    }
    assert_no_more_attempts(server, events).await;
}

#[test]
fn the_conversion_to_a_name_may_read_the_registry() {
    let users = Users::from_iter([("alice", "right")]);
    users.insert(Looks(users.clone()), "secret");
    assert!(users.contains("true"));
}

/// A value whose conversion to a name reads the registry.
struct Looks(Users);

impl From<Looks> for String {
    fn from(Looks(users): Looks) -> Self {
        users.contains("alice").to_string()
    }
}

#[tokio::test]
async fn an_unknown_key_is_denied_and_a_known_one_has_a_name() {
    let _watchdog = Watchdog::start();
    let (ours, alice) = (CurveKeypair::generate(), CurveKeypair::generate());
    let keys = Keys::from_iter([(alice.public_key(), "alice")]);
    let server = curve_server(&ours).authenticator(keys).bind(ANY_PORT).await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let mut events = server.monitor();
    let client_with = |keypair| {
        let server_key = ours.public_key();
        Client::builder().mechanism(Mechanism::curve_client((server_key, keypair)))
    };

    let unknown = CurveKeypair::generate();
    let mallory = client_with(unknown.clone()).connect(endpoint.clone()).await.unwrap();
    assert_eq!(refusal(&mallory).await, "400");
    let failure = failure(&mut events).await;
    let HandshakeFailure::Rejected { claimant, .. } = &failure else { panic!("{failure:?}") };
    assert_eq!(*claimant, Some(Claimant::Key(unknown.public_key())));
    let key = unknown.public_key();
    assert_eq!(failure.to_string(), format!("the remote is not admitted: 400 denied (key {key})"));

    let client = client_with(alice).connect(endpoint).await.unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(server.recv_from().await.unwrap().1.user_id(), Some("alice"));
}

#[tokio::test]
async fn users_can_be_added_and_removed_while_the_socket_runs() {
    let _watchdog = Watchdog::start();
    let users = Users::new();
    let server = plain_server(users.clone()).await;
    let endpoint = server.last_endpoint().unwrap();
    let connect = async || plain_client("alice", "right").connect(endpoint.clone()).await.unwrap();

    assert_eq!(refusal(&connect().await).await, "400");
    users.insert("alice", "right");
    let client = connect().await;
    client.remotes().connected().await.unwrap();
    users.insert("alice", "changed");
    assert_eq!(refusal(&connect().await).await, "400");
    users.replace([("bob", "right")]);
    assert!(users.contains("bob") && !users.contains("alice") && !users.remove("alice"));
    assert_eq!(refusal(&connect().await).await, "400");

    // Connected remotes stay connected.
    client.send("still here").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "still here");
}

#[tokio::test]
async fn a_remote_that_is_refused_temporarily_retries_until_it_is_admitted() {
    struct NotYet(AtomicUsize);

    impl Authenticator for NotYet {
        async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0..3 => Err(StatusCode::TemporaryError),
                _ => Ok(Admission::anonymous()),
            }
        }
    }

    let _watchdog = Watchdog::start();
    for (of_client, of_server) in mechanisms() {
        let asked = Arc::new(NotYet(AtomicUsize::new(0)));
        let server = Server::builder()
            .mechanism(of_server)
            .authenticator(Arc::clone(&asked))
            .bind(ANY_PORT)
            .await
            .unwrap();
        let client = Client::builder()
            .mechanism(of_client)
            .reconnect_interval(Duration::from_millis(1))
            .connect(server.last_endpoint().unwrap())
            .await
            .unwrap();
        client.remotes().connected().await.unwrap();
        assert_eq!(asked.0.load(Ordering::Relaxed), 4);
    }
}

#[tokio::test]
async fn a_panic_of_the_authenticator_refuses_only_one_remote() {
    struct Fragile;

    impl Authenticator for Fragile {
        async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
            match request.credentials {
                Credentials::Plain { username, .. } => {
                    assert_ne!(username, "mallory", "the test requires this panic");
                    Ok(Admission::user(username))
                }
                _ => Err(StatusCode::Denied),
            }
        }
    }

    let _watchdog = Watchdog::start();
    let server = plain_server(Fragile).await;
    let endpoint = server.last_endpoint().unwrap();
    let mut events = server.monitor();
    let mallory = plain_client("mallory", "").connect(endpoint.clone()).await.unwrap();
    assert_eq!(refusal(&mallory).await, "500");
    let status = StatusCode::InternalError;
    assert!(
        matches!(failure(&mut events).await, HandshakeFailure::Rejected { status: told, .. } if told == status)
    );
    let client = plain_client("alice", "").connect(endpoint).await.unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(server.recv().await.unwrap(), "hello");
}

#[tokio::test]
async fn a_client_with_another_key_of_the_server_fails_and_does_not_reconnect_early() {
    let _watchdog = Watchdog::start();
    let server = curve_server(&CurveKeypair::generate()).bind(ANY_PORT).await.unwrap();
    let mut events = server.monitor();
    let other = CurveKeypair::generate().public_key();
    let client = Client::builder()
        .mechanism(Mechanism::curve_client(other))
        .reconnect_interval(Duration::from_millis(2))
        .build();
    let mut retries = client.monitor();
    client.connect(server.last_endpoint().unwrap()).await.unwrap();
    let failed = failure(&mut events).await;
    assert!(matches!(failed, HandshakeFailure::WrongKey(_)), "{failed:?}");
    let shown = "cannot decrypt: the remote probably has another public key of this socket";
    assert_eq!(failed.to_string(), shown);
    assert!(server.stats().refused.security > 0);
    assert!(matches!(failure(&mut retries).await, HandshakeFailure::ClosedByCurveServer));
    let mut delays = Vec::new();
    while delays.len() < 6 {
        if let EventKind::ConnectRetried { delay } = next(&mut retries).await {
            delays.push(delay);
        }
    }
    // Each interval is between half and all of its nominal length, which doubles.
    assert!(delays[5] > delays[0] * 8, "{delays:?}");
}

#[tokio::test]
async fn both_ends_report_different_mechanisms() {
    let _watchdog = Watchdog::start();
    let (of_client, _) = curve();
    let server = plain_server(Users::new()).await;
    let mut events = server.monitor();
    let client = Client::builder().mechanism(of_client).build();
    let mut of_client = client.monitor();
    client.connect(server.last_endpoint().unwrap()).await.unwrap();
    for events in [&mut events, &mut of_client] {
        assert!(matches!(failure(events).await, HandshakeFailure::MechanismMismatch { .. }));
    }
    for refused in [server.stats().refused, client.stats().refused] {
        assert!(refused.security > 0);
    }
}

#[tokio::test]
async fn a_remote_that_is_not_admitted_is_disconnected_before_the_greeting() {
    let _watchdog = Watchdog::start();
    let networks = Networks::new();
    networks.deny("127.0.0.0/8".parse().unwrap());
    let server = Server::builder().authenticator(networks.clone()).bind(ANY_PORT).await.unwrap();
    let mut events = server.monitor();
    let endpoint = server.last_endpoint().unwrap();
    let mut remote = Remote::dial(&endpoint).await;
    assert_eq!(remote.read_to_end().await, b"");
    assert!(matches!(failure(&mut events).await, HandshakeFailure::AddressDenied));

    networks.replace(["192.0.2.0/24".parse().unwrap()], []);
    assert_eq!(Remote::dial(&endpoint).await.read_to_end().await, b"");
    networks.allow("127.0.0.1".parse().unwrap());
    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    client.remotes().connected().await.unwrap();
}

#[tokio::test]
async fn authenticators_are_combined() {
    struct Deaf;

    impl Authenticator for Deaf {
        async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
            Ok(Admission::user("anyone"))
        }

        fn allows_handshake(&self, _: &Caller) -> bool {
            false
        }
    }

    let _watchdog = Watchdog::start();
    let staff = Users::from_iter([("alice", "right")]);
    let guests = Users::from_iter([("bob", "right")]);
    let networks = Networks::new().and(staff.clone().or(guests));
    let server = plain_server(Deaf.or(networks)).await;
    let endpoint = server.last_endpoint().unwrap();
    for name in ["alice", "bob"] {
        let client = plain_client(name, "right").connect(endpoint.clone()).await.unwrap();
        client.send("hello").await.unwrap();
        assert_eq!(server.recv_from().await.unwrap().1.user_id(), Some(name));
    }
    let carol = plain_client("carol", "right").connect(endpoint).await.unwrap();
    assert_eq!(refusal(&carol).await, "400");

    let server = plain_server(Deaf.and(staff)).await;
    let mut remote = Remote::dial(&server.last_endpoint().unwrap()).await;
    assert_eq!(remote.read_to_end().await, b"");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_times_out_if_the_authenticator_does_not_answer() {
    struct Silent;

    impl Authenticator for Silent {
        async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
            std::future::pending().await
        }
    }

    let _watchdog = Watchdog::start();
    let server = Server::builder()
        .authenticator(Silent)
        .handshake_interval(Duration::from_secs(5))
        .bind(ANY_PORT)
        .await
        .unwrap();
    let mut events = server.monitor();
    let _remote = {
        let mut remote = Remote::dial(&server.last_endpoint().unwrap()).await;
        remote.write(&crate::remote::GREETING).await;
        remote
    };
    assert!(matches!(failure(&mut events).await, HandshakeFailure::TimedOut { .. }));
}

#[tokio::test]
async fn open_connections_without_handshakes_do_not_keep_clients_out() {
    const HELD: usize = 40;
    let _watchdog = Watchdog::start();
    for (of_client, of_server) in mechanisms() {
        let server = Server::builder()
            .mechanism(of_server)
            .authenticator(AdmitAll)
            .max_half_open(10)
            .bind(ANY_PORT)
            .await
            .unwrap();
        let mut events = server.monitor();
        let endpoint = server.last_endpoint().unwrap();
        let mut held = Vec::new();
        for _ in 0..HELD {
            held.push(Remote::dial(&endpoint).await);
        }
        let client = Client::builder().mechanism(of_client).connect(endpoint).await.unwrap();
        client.send("let me in").await.unwrap();
        assert_eq!(server.recv().await.unwrap(), "let me in");

        // The oldest handshake is dropped.
        for mut remote in held.drain(..HELD - 10) {
            remote.read_to_end().await;
            assert!(matches!(failure(&mut events).await, HandshakeFailure::TooManyHalfOpen));
        }
    }
}

/// Admits every remote.
pub(crate) struct AdmitAll;

impl Authenticator for AdmitAll {
    async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
        Ok(Admission::anonymous())
    }
}

/// Returns the mechanisms of a client and a server.
pub(crate) fn mechanisms() -> [(Mechanism, Mechanism); 3] {
    let plain = Mechanism::plain_client("alice", "right").unwrap();
    [(Mechanism::Null, Mechanism::Null), (plain, Mechanism::PlainServer), curve()]
}

fn curve() -> (Mechanism, Mechanism) {
    let keypair = CurveKeypair::generate();
    let client = Mechanism::curve_client(keypair.public_key());
    (client, Mechanism::curve_server(keypair))
}

fn curve_server(keypair: &CurveKeypair) -> Builder<Server> {
    Server::builder().mechanism(Mechanism::curve_server(keypair.clone()))
}

async fn plain_server(authenticator: impl Authenticator) -> Server {
    let server = Server::builder().mechanism(Mechanism::PlainServer).authenticator(authenticator);
    server.bind(ANY_PORT).await.unwrap()
}

fn plain_client(username: &str, password: &str) -> Builder<Client> {
    Client::builder().mechanism(Mechanism::plain_client(username, password).unwrap())
}

/// Returns the reason that a permanently refused client receives.
async fn refusal(client: &Client) -> String {
    match client.remotes().connected().await {
        Err(NoRemoteError::Failed(DialFailure::Handshake(HandshakeFailure::Refused {
            reason,
        }))) => reason,
        other => panic!("refused, not {other:?}"),
    }
}

async fn failure(events: &mut Monitor) -> HandshakeFailure {
    loop {
        if let EventKind::HandshakeFailed { reason } = next(events).await {
            return reason;
        }
    }
}

async fn next(events: &mut Monitor) -> EventKind {
    events.next().await.unwrap().unwrap().kind
}

/// Asserts that the client does not reconnect before another client connects.
async fn assert_no_more_attempts(server: Server, mut events: Monitor) {
    let endpoint: Endpoint = server.last_endpoint().unwrap();
    let mut remote = Remote::dial(&endpoint).await;
    remote.write(b"GET").await;
    assert!(matches!(next(&mut events).await, EventKind::Accepted));
    assert!(matches!(failure(&mut events).await, HandshakeFailure::Protocol(_)));
}

const ANY_PORT: &str = "tcp://127.0.0.1:*";
