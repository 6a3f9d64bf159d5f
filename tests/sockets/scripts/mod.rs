//! Sockets of scripts in other languages as remotes, and what they exchange with ours.

pub(crate) mod topics;

use std::fmt::Debug;

use futures::{Sink, SinkExt, Stream, StreamExt};
use support::script::ScriptRemote;
use tokio::task;
use tokio_zmtp::auth::{Authenticator, CurveKeypair, Keys, Users};
use tokio_zmtp::{Builder, Mechanism, Multipart, Push, Rep, Req, Router, Socket};

use crate::transports::Transport;
use crate::watchdog::Watchdog;

/// Connects a socket of ours to one of a script, of the type `their_type`, over each transport and
/// under each mechanism in both roles, with either end binding. `exchange` lets them exchange
/// `count` messages. Does nothing without the script, whose language is not installed.
pub(crate) async fn in_every_pairing<S: Socket>(
    remote: Option<ScriptRemote>,
    their_type: &str,
    count: u32,
    builder: impl Fn() -> Builder<S>,
    exchange: impl AsyncFn(&S, &mut ScriptRemote),
) {
    let Some(mut remote) = remote else { return };
    let _watchdog = Watchdog::start();
    for transport in [
        Transport::Tcp,
        #[cfg(unix)]
        Transport::Ipc,
    ] {
        for security in every_security() {
            let socket = security.secure(builder()).build();
            let any = transport.any().to_string();
            let theirs = describe(&mut remote, their_type, ("bind", &any), count, &security);
            socket.connect(&*theirs).await.unwrap();
            exchange(&socket, &mut remote).await;

            let socket = security.secure(builder()).build();
            let ours = socket.bind(transport.any()).await.unwrap().to_string();
            describe(&mut remote, their_type, ("connect", &ours), count, &security);
            exchange(&socket, &mut remote).await;
        }
    }
    assert_eq!(remote.finish(), "");
}

/// Sends messages to a remote.
pub(crate) async fn send_each(push: &Push, remote: &mut ScriptRemote) {
    for number in 0..COUNT {
        push.send(parts_of(number)).await.unwrap();
    }
    assert_eq!(remote.line(), "done");
}

/// Receives messages from a remote.
pub(crate) async fn receive_each<S>(socket: &S, remote: &mut ScriptRemote)
where
    S: Clone + Stream<Item = Multipart> + Unpin,
{
    receive_numbers(socket).await;
    assert_eq!(remote.line(), "done");
}

async fn receive_numbers<S>(socket: &S)
where
    S: Clone + Stream<Item = Multipart> + Unpin,
{
    let mut stream = socket.clone();
    for number in 0..COUNT {
        assert_eq!(stream.next().await.unwrap(), parts_of(number));
    }
}

/// Sends `count` messages to a remote without waiting for answers, and receives the same messages
/// from it.
pub(crate) async fn exchange_each<S>(socket: &S, remote: &mut ScriptRemote, count: u32)
where
    S: Clone + Sink<Multipart, Error: Debug> + Stream<Item = Multipart> + Unpin,
{
    let (mut sink, mut stream) = (socket.clone(), socket.clone());
    let send = async {
        for number in 0..count {
            sink.send(parts_of(number).into()).await.unwrap();
        }
    };
    let receive = async {
        for number in 0..count {
            assert_eq!(stream.next().await.unwrap(), parts_of(number));
        }
    };
    tokio::join!(send, receive);
    assert_eq!(remote.line(), "done");
}

/// Sends messages to the only remote, and receives the same messages from it.
pub(crate) async fn exchange_by_identity(router: &Router, remote: &mut ScriptRemote) {
    router.remotes().connected().await.unwrap();
    let dealer = router.remotes().list().pop().unwrap();
    let identity = dealer.identity().unwrap();
    while router.remote(identity).is_none() {
        task::yield_now().await;
    }
    for number in 0..ROUND_TRIPS {
        router.route(identity, parts_of(number)).await.unwrap();
    }
    for number in 0..ROUND_TRIPS {
        let message = router.recv().await.unwrap();
        assert_eq!((message.identity(), &*message), (identity, &parts_of(number).into()));
    }
    assert_eq!(remote.line(), "done");
}

/// Replies to the requests of a remote, each with itself.
pub(crate) async fn reply_to_each(rep: &Rep, remote: &mut ScriptRemote) {
    for number in 0..ROUND_TRIPS {
        let (request, mut replier) = rep.recv().await.unwrap();
        assert_eq!(request, parts_of(number));
        replier.reply(request).await.unwrap();
    }
    assert_eq!(remote.line(), "done");
}

/// Sends requests to a remote, which replies to each with itself.
pub(crate) async fn request_each(req: &Req, remote: &mut ScriptRemote) {
    for number in 0..ROUND_TRIPS {
        assert_eq!(req.request(parts_of(number)).await.unwrap(), parts_of(number));
    }
    assert_eq!(remote.line(), "done");
}

/// Starts the exchange of a socket of a script that binds or connects to an endpoint, and returns
/// its endpoint. The scripts document the description.
pub(crate) fn describe(
    remote: &mut ScriptRemote,
    their_type: &str,
    (direction, endpoint): (&str, &str),
    count: u32,
    Security { theirs, .. }: &Security,
) -> String {
    remote.write_line(&format!(
        r#"{{"type":"{their_type}","{direction}":"{endpoint}","count":{count},{theirs}}}"#
    ));
    remote.line()
}

/// A mechanism, with the credentials of both ends.
pub(crate) struct Security {
    ours: Mechanism,
    /// Those of the credentials that our authenticator admits.
    users: Users,
    keys: Keys,
    /// The properties of a socket of the script and the credentials that it admits, in JSON.
    theirs: String,
}

impl Security {
    pub(crate) fn null() -> Self {
        Self::new(Mechanism::Null, "", &[])
    }

    fn new(ours: Mechanism, their_options: &str, admitted: &[&[u8]]) -> Self {
        // Bytes are formatted as in JSON.
        let theirs = format!(r#""options":{{{their_options}}},"admitted":{admitted:?}"#);
        Self { ours, users: Users::new(), keys: Keys::new(), theirs }
    }

    fn secure<S: Socket>(&self, builder: Builder<S>) -> Builder<S> {
        let builder = builder.mechanism(self.ours.clone());
        match self.ours {
            Mechanism::Null => builder,
            _ => builder.authenticator(self.users.clone().or(self.keys.clone())),
        }
    }
}

/// Returns each mechanism, with our socket as its client and as its server.
fn every_security() -> [Security; 5] {
    let (client, server) = (CurveKeypair::generate(), CurveKeypair::generate());
    let client_key = client.public_key();
    let curve_server_options =
        format!(r#""curveServer":true,"curveSecretKey":"{}""#, *server.secret_key().to_text());
    let curve_client_options = format!(
        r#""curveServerKey":"{}","curvePublicKey":"{client_key}","curveSecretKey":"{}""#,
        server.public_key(),
        *client.secret_key().to_text(),
    );
    let plain_client = Mechanism::plain_client(USERNAME, PASSWORD).unwrap();
    let curve_client = Mechanism::curve_client((server.public_key(), client));
    [
        Security::null(),
        Security::new(
            plain_client,
            r#""plainServer":true"#,
            &[USERNAME.as_bytes(), PASSWORD.as_bytes()],
        ),
        Security {
            users: Users::from_iter([(USERNAME, PASSWORD)]),
            ..Security::new(
                Mechanism::PlainServer,
                &format!(r#""plainUsername":"{USERNAME}","plainPassword":"{PASSWORD}""#),
                &[],
            )
        },
        Security::new(curve_client, &curve_server_options, &[client_key.as_bytes()]),
        Security {
            keys: Keys::from_iter([(client_key, USERNAME)]),
            ..Security::new(Mechanism::curve_server(server), &curve_client_options, &[])
        },
    ]
}

/// Returns the message of a classic socket.
pub(crate) fn parts_of(number: u32) -> [String; 3] {
    [number.to_string(), String::new(), number.to_string()]
}

const USERNAME: &str = "alice";

const PASSWORD: &str = "swordfish";

/// The number of messages one way, which exceeds the high-water marks.
pub(crate) const COUNT: u32 = 2_000;

/// The number of messages that are answered one by one.
pub(crate) const ROUND_TRIPS: u32 = 100;
