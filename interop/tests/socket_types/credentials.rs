//! PLAIN and CURVE between the two libraries, in all roles.

use interop::{BytesOption, Socket, SocketOption, ZapHandler};
use tokio_zmtp::auth::{Authenticator, CurveKeypair, Keys, Users};
use tokio_zmtp::{Builder, Mechanism};

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

/// The keys of both ends.
struct TestKeys {
    client: CurveKeypair,
    server: CurveKeypair,
}

/// Credentials for a socket of ours and its remote of theirs.
pub(crate) struct Credentials {
    kind: Kind,
    role: Role,
    keys: TestKeys,
}

impl Credentials {
    /// Returns credentials for each mechanism and role.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Kind::Plain, Kind::Curve].into_iter().flat_map(|kind| {
            [Role::Client, Role::Server].into_iter().map(move |role| {
                let (client, server) = (CurveKeypair::generate(), CurveKeypair::generate());
                Self { kind, role, keys: TestKeys { client, server } }
            })
        })
    }

    /// Adds the credentials to our socket.
    pub(crate) fn secure_ours<S: tokio_zmtp::Socket>(&self, builder: Builder<S>) -> Builder<S> {
        let keys = &self.keys;
        let mechanism = self.mechanism();
        let users = Users::from_iter([(USERNAME, PASSWORD)]);
        let keys = Keys::from_iter([(keys.client.public_key(), USERNAME)]);
        builder.mechanism(mechanism).authenticator(users.or(keys))
    }

    /// Returns the mechanism of our socket.
    pub(crate) fn mechanism(&self) -> Mechanism {
        let Self { kind, role, keys } = self;
        match (*kind, *role) {
            (Kind::Plain, Role::Client) => Mechanism::plain_client(USERNAME, PASSWORD).unwrap(),
            (Kind::Plain, Role::Server) => Mechanism::PlainServer,
            (Kind::Curve, Role::Client) => {
                Mechanism::curve_client((keys.server.public_key(), keys.client.clone()))
            }
            (Kind::Curve, Role::Server) => Mechanism::curve_server(keys.server.clone()),
        }
    }

    /// Adds the credentials to the libzmq socket that is the remote of ours. Returns its ZAP
    /// handler if it is the server.
    pub(crate) fn secure_theirs(&self, socket: &Socket) -> Option<ZapHandler> {
        let Self { kind, role, keys } = self;
        let set = |option, value: &[u8]| socket.set_bytes(option, value).unwrap();
        let expected = match (*kind, *role) {
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
        expected.map(|expected| {
            set(BytesOption::ZapDomain, b"test");
            ZapHandler::start(socket, move |credentials| credentials == expected).unwrap()
        })
    }
}

const USERNAME: &str = "alice";

const PASSWORD: &str = "swordfish";
