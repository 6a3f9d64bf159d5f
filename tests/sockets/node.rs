//! Sockets of Node.js as remotes, over each transport and under each mechanism in both roles.

use std::net::UdpSocket;
use std::time::Duration;

use support::node;
use support::script::ScriptRemote;
use tokio::{task, time};
use tokio_zmtp::auth::{Authenticator, CurveKeypair, Keys, Users};
use tokio_zmtp::{
    Builder, Client, Dealer, Dish, Gather, Group, GroupMessage, Mechanism, Pair, Pull, Push, Radio,
    Rep, Req, Router, Scatter, Server, Socket,
};

use crate::transports::{Transport, own_loopback};
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_of_node_answers_our_client() {
    in_every_pairing("server", ROUND_TRIPS, Client::builder, async |client, remote| {
        for number in 0..ROUND_TRIPS {
            client.send(number.to_string()).await.unwrap();
            assert_eq!(client.recv().await.unwrap(), number.to_string());
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_server_answers_a_client_of_node() {
    in_every_pairing("client", ROUND_TRIPS, Server::builder, async |server, remote| {
        for number in 0..ROUND_TRIPS {
            let request = server.recv().await.unwrap();
            assert_eq!(request, number.to_string());
            server.reply(&request, number.to_string()).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gather_of_node_receives_from_our_scatter() {
    in_every_pairing("gather", COUNT, Scatter::builder, async |scatter, remote| {
        for number in 0..COUNT {
            scatter.send(number.to_string()).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_gather_receives_from_a_scatter_of_node() {
    in_every_pairing("scatter", COUNT, Gather::builder, async |gather, remote| {
        for number in 0..COUNT {
            assert_eq!(gather.recv().await.unwrap(), number.to_string());
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_of_node_receives_from_our_push() {
    in_every_pairing("pull", COUNT, Push::builder, async |push, remote| {
        for number in 0..COUNT {
            push.send(parts_of(number)).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_pull_receives_from_a_push_of_node() {
    in_every_pairing("push", COUNT, Pull::builder, async |pull, remote| {
        for number in 0..COUNT {
            assert_eq!(pull.recv().await.unwrap(), parts_of(number));
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

/// All messages are outstanding: a ROUTER drops replies above its high-water mark.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dealer_and_a_router_of_node_answer_our_dealer() {
    for their_type in ["dealer", "router"] {
        in_every_pairing(their_type, ROUND_TRIPS, Dealer::builder, async |dealer, remote| {
            let send = async {
                for number in 0..ROUND_TRIPS {
                    dealer.send(parts_of(number)).await.unwrap();
                }
            };
            let receive = async {
                for number in 0..ROUND_TRIPS {
                    assert_eq!(dealer.recv().await.unwrap(), parts_of(number));
                }
            };
            tokio::join!(send, receive);
            assert_eq!(remote.line(), "done");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dealer_and_a_router_of_node_answer_our_router() {
    for their_type in ["dealer", "router"] {
        in_every_pairing(their_type, ROUND_TRIPS, Router::builder, async |router, remote| {
            exchange_by_identity(router).await;
            assert_eq!(remote.line(), "done");
        })
        .await;
    }
}

/// Sends messages to the only remote, and receives the same messages from it.
pub(crate) async fn exchange_by_identity(router: &Router) {
    router.remotes().connected().await.unwrap();
    let remote = router.remotes().list().pop().unwrap();
    let identity = remote.identity().unwrap();
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_of_node_answers_our_pair() {
    in_every_pairing("pair", COUNT, Pair::builder, async |pair, remote| {
        let send = async {
            for number in 0..COUNT {
                pair.send(parts_of(number)).await.unwrap();
            }
        };
        let receive = async {
            for number in 0..COUNT {
                assert_eq!(pair.recv().await.unwrap(), parts_of(number));
            }
        };
        tokio::join!(send, receive);
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_rep_replies_to_a_req_and_a_dealer_of_node() {
    for their_type in ["req", "asking_dealer"] {
        in_every_pairing(their_type, ROUND_TRIPS, Rep::builder, reply_to_each).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rep_and_a_router_of_node_answer_our_req() {
    for their_type in ["rep", "router"] {
        in_every_pairing(their_type, ROUND_TRIPS, Req::builder, request_each).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dish_of_node_receives_from_our_radio() {
    let builder = || Radio::builder().no_drop(true);
    in_every_pairing("dish", COUNT, builder, async |radio, remote| {
        while radio.members(&group("a")).is_empty() {
            task::yield_now().await;
        }
        for number in 0..COUNT {
            radio.send(&group("b"), "not joined").await.unwrap();
            radio.send(&group("a"), number.to_string()).await.unwrap();
        }
        assert_eq!(remote.line(), "done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_dish_receives_from_a_radio_of_node() {
    let builder = || Dish::builder().join(&group("a"));
    in_every_pairing("radio", COUNT, builder, async |dish, _| {
        let first = number_in(&dish.recv().await.unwrap());
        for number in first + 1..first + COUNT {
            assert_eq!(number_in(&dish.recv().await.unwrap()), number);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dish_of_node_receives_datagrams_of_our_radio() {
    let _watchdog = Watchdog::start();
    let Some(mut remote) = start() else { return };
    let endpoint = free_udp_endpoint();
    describe(&mut remote, "dish", ("bind", &endpoint), DATAGRAMS, &Security::null());
    let radio = Radio::builder().connect(&*endpoint).await.unwrap();
    // The DISH binds in the background, and the system discards datagrams until then.
    let sending = tokio::spawn(async move {
        for number in 0_u32.. {
            radio.send(&group("b"), "not joined").await.unwrap();
            radio.send(&group("a"), number.to_string()).await.unwrap();
            time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(remote.line(), "done");
    sending.abort();
    assert_eq!(remote.finish(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_dish_receives_datagrams_of_a_radio_of_node() {
    let _watchdog = Watchdog::start();
    let Some(mut remote) = start() else { return };
    let dish = Dish::builder().join(&group("a")).bind("udp://127.0.0.1:*").await.unwrap();
    let endpoint = dish.last_endpoint().unwrap().to_string();
    describe(&mut remote, "radio", ("connect", &endpoint), DATAGRAMS, &Security::null());
    let mut last = None;
    for _ in 0..DATAGRAMS {
        let number = Some(number_in(&dish.recv().await.unwrap()));
        assert!(number > last);
        last = number;
    }
    assert_eq!(remote.finish(), "");
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

/// Connects a socket of ours to one of Node.js of the type `their_type`, with either end binding,
/// and runs `exchange`, which lets them exchange `count` messages.
async fn in_every_pairing<S: Socket>(
    their_type: &str,
    count: u32,
    builder: impl Fn() -> Builder<S>,
    exchange: impl AsyncFn(&S, &mut ScriptRemote),
) {
    let Some(remote) = start() else { return };
    in_every_pairing_with(remote, their_type, count, builder, exchange).await;
}

/// Does the same with a script in any language.
pub(crate) async fn in_every_pairing_with<S: Socket>(
    mut remote: ScriptRemote,
    their_type: &str,
    count: u32,
    builder: impl Fn() -> Builder<S>,
    exchange: impl AsyncFn(&S, &mut ScriptRemote),
) {
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

fn start() -> Option<ScriptRemote> {
    let script = "tests/sockets/socket_remote.mjs";
    node::start(env!("CARGO_TARGET_TMPDIR"), script, &[])
}

/// Starts the exchange of a socket of Node.js that binds or connects to an endpoint, and returns
/// its endpoint. The script documents the description.
fn describe(
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
struct Security {
    ours: Mechanism,
    /// Those of the credentials that our authenticator admits.
    users: Users,
    keys: Keys,
    /// The properties of a socket of Node.js and the credentials that it admits, in JSON.
    theirs: String,
}

impl Security {
    fn null() -> Self {
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
    let curve_client = Mechanism::CurveClient { server_key: server.public_key(), keypair: client };
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
            ..Security::new(Mechanism::CurveServer { keypair: server }, &curve_client_options, &[])
        },
    ]
}

fn free_udp_endpoint() -> String {
    let address = UdpSocket::bind((own_loopback(), 0)).unwrap().local_addr().unwrap();
    format!("udp://{address}")
}

fn number_in(message: &GroupMessage) -> u32 {
    assert_eq!(message.group(), group("a"));
    message.to_str().unwrap().parse().unwrap()
}

/// Returns the message of a classic socket.
pub(crate) fn parts_of(number: u32) -> [String; 3] {
    [number.to_string(), String::new(), number.to_string()]
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

const USERNAME: &str = "alice";

const PASSWORD: &str = "swordfish";

/// The number of messages one way, which exceeds the high-water marks.
pub(crate) const COUNT: u32 = 2_000;

/// The number of messages that are answered one by one.
pub(crate) const ROUND_TRIPS: u32 = 100;

/// The number of datagrams that arrive.
const DATAGRAMS: u32 = 20;
