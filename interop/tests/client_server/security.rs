//! PLAIN and CURVE between the two libraries, in all roles.

use std::time::Duration;

use interop::{BytesOption, EventKind, Monitor, Socket, SocketOption, SocketType, ZapHandler};
#[cfg(unix)]
use support::transports::Transport;
use tokio::time;
use tokio_zmtp::auth::{
    Authenticator, CurveKeypair, CurvePublicKey, Keys, Networks, ServerKeys, StatusCode, Users,
};
use tokio_zmtp::monitor::{EventKind as OurEventKind, HandshakeFailure, Monitor as OurMonitor};
use tokio_zmtp::{Builder, Client, Mechanism, Server};

use crate::ours::{OurClient, OurServer};
use crate::pairing::{
    ANY_PORT, Binds, ClientSide, DEFAULT_HWM, POLL_INTERVAL, ServerSide, guarded,
};
use crate::theirs;

#[tokio::test]
async fn plain_works_in_every_pairing_over_tcp() {
    guarded(in_every_pairing(Kind::Plain, || ANY_PORT.into())).await;
}

#[tokio::test]
async fn curve_works_in_every_pairing_over_tcp() {
    guarded(in_every_pairing(Kind::Curve, || ANY_PORT.into())).await;
}

#[cfg(unix)]
#[tokio::test]
async fn plain_works_in_every_pairing_over_ipc() {
    guarded(in_every_pairing(Kind::Plain, || Transport::Ipc.any().to_string())).await;
}

#[cfg(unix)]
#[tokio::test]
async fn curve_works_in_every_pairing_over_ipc() {
    guarded(in_every_pairing(Kind::Curve, || Transport::Ipc.any().to_string())).await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_by_either_side() {
    refused_by_either_side(Kind::Plain, Wrong::Credentials).await;
}

#[tokio::test]
async fn an_unknown_key_is_refused_by_either_side() {
    refused_by_either_side(Kind::Curve, Wrong::Credentials).await;
}

#[tokio::test]
async fn a_wrong_server_key_is_refused_by_either_side() {
    refused_by_either_side(Kind::Curve, Wrong::ServerKey).await;
}

#[tokio::test]
async fn another_mechanism_is_refused_by_either_side() {
    guarded(async {
        let keys = TestKeys::new();
        let theirs = theirs::socket(SocketType::Server, DEFAULT_HWM);
        theirs.bind(ANY_PORT).unwrap();
        let mut ours = Ours::client(Kind::Curve, Role::Client, &keys);
        ours.connect(&theirs.last_endpoint().unwrap()).await;
        assert!(is_mismatch(&ours.failure().await));

        let mut ours = Ours::server(Kind::Curve, Role::Server, &keys);
        let theirs = theirs::socket(SocketType::Client, DEFAULT_HWM);
        let monitor = theirs.monitor().unwrap();
        theirs.connect(&ours.bind().await).unwrap();
        assert!(is_mismatch(&ours.failure().await));
        until_refused(&monitor).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_of_libzmq_has_either_key_of_a_server_during_a_rotation() {
    guarded(async {
        let (old, mut new) = (TestKeys::new(), TestKeys::new());
        new.client = old.client.clone();
        let server_keys = ServerKeys::new(old.server.clone());
        let clients = Keys::from_iter([(old.client.public_key(), "client")]);
        let mechanism = Mechanism::curve_server(server_keys.clone());
        let server = Server::builder().mechanism(mechanism).authenticator(clients.clone());
        let mut ours = Ours::new(server.build());
        let endpoint = ours.bind().await;
        let server = OurServer(ours.socket.clone());
        let connected = async |keys: &TestKeys| {
            let client = theirs::client(DEFAULT_HWM);
            secure(&client.0, Kind::Curve, Role::Server, keys);
            client.0.connect(&endpoint).unwrap();
            exchange_once(&client, &server).await;
            client
        };
        let earlier = connected(&old).await;
        server_keys.rotate(new.server.clone(), None).unwrap();
        for keys in [&old, &new] {
            connected(keys).await;
        }
        assert!(server_keys.withdraw(&old.server.public_key()));
        let current = connected(&new).await;
        let late = theirs::socket(SocketType::Client, DEFAULT_HWM);
        secure(&late, Kind::Curve, Role::Server, &old);
        let monitor = late.monitor().unwrap();
        late.connect(&endpoint).unwrap();
        assert!(matches!(ours.failure().await, HandshakeFailure::WrongKey(_)));
        until_refused(&monitor).await;
        // The connection outlives the key with which it was established.
        exchange_once(&earlier, &server).await;

        assert!(clients.revoke(&new.client.public_key()) >= 2);
        // The clients reconnect, one of them with the current key of the server.
        loop {
            match ours.failure().await {
                HandshakeFailure::WrongKey(_) => {}
                HandshakeFailure::Rejected { status: StatusCode::Denied, .. } => break,
                other => panic!("rejected, not {other:?}"),
            }
        }
        drop(current);
    })
    .await;
}

async fn exchange_once(client: &impl ClientSide, server: &impl ServerSide) {
    client.send(b"request").await;
    let (request, id) = server.recv().await;
    assert_eq!(request, b"request");
    server.route(id, b"reply").await;
    assert_eq!(client.recv().await, b"reply");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Curve,
}

/// Our role in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Credentials,
    ServerKey,
}

/// The keys of both ends.
struct TestKeys {
    client: CurveKeypair,
    server: CurveKeypair,
}

impl TestKeys {
    fn new() -> Self {
        Self { client: CurveKeypair::generate(), server: CurveKeypair::generate() }
    }
}

/// Exchanges bodies with our client and our server in both roles, binding and connecting.
async fn in_every_pairing(kind: Kind, endpoint: impl Fn() -> String) {
    for role in [Role::Client, Role::Server] {
        for binds in [Binds::Client, Binds::Server] {
            let keys = TestKeys::new();
            let ours = OurClient(our_builder(Client::builder(), kind, role, &keys).build());
            let theirs = theirs::server(DEFAULT_HWM);
            let _handler = secure(&theirs.0, kind, role, &keys);
            exchange(&ours, &theirs, binds, &endpoint()).await;

            let ours = OurServer(our_builder(Server::builder(), kind, role, &keys).build());
            let theirs = theirs::client(DEFAULT_HWM);
            let _handler = secure(&theirs.0, kind, role, &keys);
            exchange(&theirs, &ours, binds, &endpoint()).await;
        }
    }
}

async fn exchange(
    client: &impl ClientSide,
    server: &impl ServerSide,
    binds: Binds,
    endpoint: &str,
) {
    match binds {
        Binds::Client => server.connect(&client.bind(endpoint).await).await,
        Binds::Server => client.connect(&server.bind(endpoint).await).await,
    }
    // Without optimization, encrypting the longest body takes a second, so it is sent only once.
    let sizes = if binds == Binds::Client { &SIZES[..] } else { &SIZES[..SIZES.len() - 1] };
    for &size in sizes {
        let body: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
        client.send(&body).await;
        let (request, id) = server.recv().await;
        assert!(request == body, "a request of {size} bytes is damaged");
        server.route(id, &body).await;
        assert!(client.recv().await == body, "a reply of {size} bytes is damaged");
    }
}

async fn refused_by_either_side(kind: Kind, wrong: Wrong) {
    guarded(async {
        let (keys, mut others) = (TestKeys::new(), TestKeys::new());
        match wrong {
            Wrong::Credentials => others.server = keys.server.clone(),
            Wrong::ServerKey => others.client = keys.client.clone(),
        }
        let theirs = theirs::socket(SocketType::Server, DEFAULT_HWM);
        let _handler = secure(&theirs, kind, Role::Client, &keys);
        let monitor = theirs.monitor().unwrap();
        theirs.bind(ANY_PORT).unwrap();
        let mut ours = Ours::client(kind, Role::Client, &others);
        ours.connect(&theirs.last_endpoint().unwrap()).await;
        match (wrong, ours.failure().await) {
            (Wrong::Credentials, HandshakeFailure::Refused { reason }) => assert_eq!(reason, "400"),
            (Wrong::ServerKey, HandshakeFailure::ClosedByCurveServer | HandshakeFailure::Io(_)) => {
            }
            (_, other) => panic!("refused, not {other:?}"),
        }
        until_refused(&monitor).await;

        let mut ours = Ours::server(kind, Role::Server, &keys);
        let theirs = theirs::socket(SocketType::Client, DEFAULT_HWM);
        let _handler = secure(&theirs, kind, Role::Server, &others);
        let monitor = theirs.monitor().unwrap();
        theirs.connect(&ours.bind().await).unwrap();
        match (wrong, ours.failure().await) {
            (Wrong::Credentials, HandshakeFailure::Rejected { status, .. }) => {
                assert_eq!(status, StatusCode::Denied);
            }
            (Wrong::ServerKey, HandshakeFailure::WrongKey(_)) => {}
            (_, other) => panic!("rejected, not {other:?}"),
        }
        until_refused(&monitor).await;
    })
    .await;
}

/// A socket of ours and its events.
struct Ours<S> {
    socket: S,
    events: OurMonitor,
}

impl Ours<Client> {
    fn client(kind: Kind, role: Role, keys: &TestKeys) -> Self {
        Self::new(our_builder(Client::builder(), kind, role, keys).build())
    }
}

impl Ours<Server> {
    fn server(kind: Kind, role: Role, keys: &TestKeys) -> Self {
        Self::new(our_builder(Server::builder(), kind, role, keys).build())
    }
}

impl<S: tokio_zmtp::Socket> Ours<S> {
    fn new(socket: S) -> Self {
        let events = socket.monitor();
        Self { socket, events }
    }

    async fn bind(&self) -> String {
        self.socket.bind(ANY_PORT).await.unwrap().to_string()
    }

    async fn connect(&self, endpoint: &str) {
        self.socket.connect(endpoint).await.unwrap();
    }

    async fn failure(&mut self) -> HandshakeFailure {
        loop {
            let event = self.events.recv().await.unwrap().unwrap();
            if let OurEventKind::HandshakeFailed { reason } = event.kind {
                return reason;
            }
        }
    }
}

fn our_builder<S: tokio_zmtp::Socket>(
    builder: Builder<S>,
    kind: Kind,
    role: Role,
    keys: &TestKeys,
) -> Builder<S> {
    let username = keys.client.public_key().to_string();
    let mechanism = match (kind, role) {
        (Kind::Plain, Role::Client) => Mechanism::plain_client(username, PASSWORD).unwrap(),
        (Kind::Plain, Role::Server) => Mechanism::PlainServer,
        (Kind::Curve, Role::Client) => {
            Mechanism::curve_client((keys.server.public_key(), keys.client.clone()))
        }
        (Kind::Curve, Role::Server) => Mechanism::curve_server(keys.server.clone()),
    };
    builder
        .mechanism(mechanism)
        .authenticator(registry(keys))
        .reconnect_interval(Duration::from_millis(10))
}

fn registry(keys: &TestKeys) -> impl Authenticator {
    let key = keys.client.public_key();
    let users = Users::from_iter([(key.to_string(), PASSWORD)]);
    Networks::new().and(users.or(Keys::from_iter([(key, "client")])))
}

/// Configures a libzmq socket as the remote of our socket, which has the role `role`.
fn secure(socket: &Socket, kind: Kind, role: Role, keys: &TestKeys) -> Option<ZapHandler> {
    let username = keys.client.public_key().to_string();
    let set = |option, value: &[u8]| socket.set_bytes(option, value).unwrap();
    match (kind, role) {
        (Kind::Plain, Role::Client) => {
            socket.set(SocketOption::PlainServer, 1).unwrap();
            set(BytesOption::ZapDomain, b"test");
            let expected = [username.into_bytes(), PASSWORD.into()];
            Some(ZapHandler::start(socket, move |credentials| credentials == expected).unwrap())
        }
        (Kind::Plain, Role::Server) => {
            set(BytesOption::PlainUsername, username.as_bytes());
            set(BytesOption::PlainPassword, PASSWORD.as_bytes());
            None
        }
        (Kind::Curve, Role::Client) => {
            socket.set(SocketOption::CurveServer, 1).unwrap();
            set(BytesOption::CurveSecretKey, keys.server.secret_key().as_bytes());
            set(BytesOption::ZapDomain, b"test");
            let known: CurvePublicKey = keys.client.public_key();
            Some(
                ZapHandler::start(socket, move |credentials| {
                    credentials == [known.as_bytes().to_vec()]
                })
                .unwrap(),
            )
        }
        (Kind::Curve, Role::Server) => {
            set(BytesOption::CurveServerKey, keys.server.public_key().as_bytes());
            set(BytesOption::CurvePublicKey, keys.client.public_key().as_bytes());
            set(BytesOption::CurveSecretKey, keys.client.secret_key().as_bytes());
            None
        }
    }
}

/// Returns whether the failure shows different mechanisms. libzmq may close the connection before
/// it has sent all of its greeting.
fn is_mismatch(failure: &HandshakeFailure) -> bool {
    matches!(
        failure,
        HandshakeFailure::MechanismMismatch { .. }
            | HandshakeFailure::ClosedByRemote
            | HandshakeFailure::Io(_)
    )
}

async fn until_refused(monitor: &Monitor) {
    loop {
        match monitor.try_next().unwrap() {
            Some(event) if event.kind.is_handshake_failure() => return,
            Some(event) => assert_ne!(event.kind, EventKind::HandshakeSucceeded),
            None => time::sleep(POLL_INTERVAL).await,
        }
    }
}

const PASSWORD: &str = "swordfish";

const SIZES: [usize; 6] = [0, 1, 222, 223, 65_536, 10 << 20];
