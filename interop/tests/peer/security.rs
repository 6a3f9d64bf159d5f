//! PLAIN and CURVE between peers of the two libraries, in all roles.

use interop::{BytesOption, Socket, SocketOption, SocketType, ZapHandler};
use support::transports::Transport;
use tokio_zmtp::auth::{Authenticator, CurveKeypair, Keys, Users};
use tokio_zmtp::{Mechanism, Peer};

use crate::pairing::{PeerSide, guarded, own_endpoint, socket};

#[tokio::test]
async fn plain_works_whichever_side_connects_and_whichever_is_the_server() {
    guarded(in_every_role(Kind::Plain)).await;
}

#[tokio::test]
async fn curve_works_whichever_side_connects_and_whichever_is_the_server() {
    guarded(in_every_role(Kind::Curve)).await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Curve,
}

/// The role of our socket in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

/// Keys that both ends know.
struct TestKeys {
    client: CurveKeypair,
    server: CurveKeypair,
}

async fn in_every_role(kind: Kind) {
    let keys = TestKeys { client: CurveKeypair::generate(), server: CurveKeypair::generate() };
    for transport in [
        Transport::Tcp,
        #[cfg(unix)]
        Transport::Ipc,
    ] {
        for role in [Role::Client, Role::Server] {
            let ours = ours(kind, role, &keys);
            let (theirs, _handler) = theirs(kind, role, &keys);
            exchange(&ours, &theirs, transport).await;
            exchange(&theirs, &ours, transport).await;
        }
    }
}

async fn exchange<C: PeerSide, B: PeerSide>(connected: &C, bound: &B, transport: Transport) {
    let endpoint = bound.bind(&own_endpoint(transport)).await;
    let to_bound = connected.connect_peer(&endpoint).await;
    for size in [0, 1, 222, 223, 65_536] {
        let body: Vec<u8> = (0..size).map(|place: usize| (place % 251) as u8).collect();
        connected.route(to_bound, &body).await;
        let to_connected = bound.expect(&body).await;
        bound.route(to_connected, &body).await;
        assert_eq!(connected.expect(&body).await, to_bound);
    }
}

fn ours(kind: Kind, role: Role, keys: &TestKeys) -> Peer {
    let mechanism = match (kind, role) {
        (Kind::Plain, Role::Client) => Mechanism::plain_client(USERNAME, PASSWORD).unwrap(),
        (Kind::Plain, Role::Server) => Mechanism::PlainServer,
        (Kind::Curve, Role::Client) => Mechanism::CurveClient {
            server_key: keys.server.public_key(),
            keypair: keys.client.clone(),
        },
        (Kind::Curve, Role::Server) => Mechanism::CurveServer { keypair: keys.server.clone() },
    };
    let users = Users::from_iter([(USERNAME, PASSWORD)]);
    let keys = Keys::from_iter([(keys.client.public_key(), USERNAME)]);
    Peer::builder().mechanism(mechanism).authenticator(users.or(keys)).build()
}

/// Creates a libzmq socket as the remote of one of ours in `role`.
fn theirs(kind: Kind, role: Role, keys: &TestKeys) -> (Socket, Option<ZapHandler>) {
    let socket = socket(SocketType::Peer);
    let set = |option, value: &[u8]| socket.set_bytes(option, value).unwrap();
    let expected = match (kind, role) {
        (Kind::Plain, Role::Client) => {
            socket.set(SocketOption::PlainServer, 1).unwrap();
            Some(vec![USERNAME.into(), PASSWORD.into()])
        }
        (Kind::Plain, Role::Server) => {
            set(BytesOption::PlainUsername, USERNAME.as_bytes());
            set(BytesOption::PlainPassword, PASSWORD.as_bytes());
            None
        }
        (Kind::Curve, Role::Client) => {
            socket.set(SocketOption::CurveServer, 1).unwrap();
            set(BytesOption::CurveSecretKey, keys.server.secret_key().as_bytes());
            Some(vec![keys.client.public_key().as_bytes().to_vec()])
        }
        (Kind::Curve, Role::Server) => {
            set(BytesOption::CurveServerKey, keys.server.public_key().as_bytes());
            set(BytesOption::CurvePublicKey, keys.client.public_key().as_bytes());
            set(BytesOption::CurveSecretKey, keys.client.secret_key().as_bytes());
            None
        }
    };
    let handler = expected.map(|expected| {
        set(BytesOption::ZapDomain, b"test");
        ZapHandler::start(&socket, move |credentials| credentials == expected).unwrap()
    });
    (socket, handler)
}

const USERNAME: &str = "peer";

const PASSWORD: &str = "swordfish";
