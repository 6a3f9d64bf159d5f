//! Several sockets at one port, each of which serves a resource (RFC 37, The Resource Property).

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio_zmtp::auth::{Authenticator, CurveKeypair, Keys, Networks, Users};
use tokio_zmtp::monitor::{Event, EventKind, HandshakeFailure, Monitor};
use tokio_zmtp::{BindError, Builder, Client, Endpoint, Mechanism, Pub, Pull, Push, Server, Sub};

use crate::remote::{self, GREETING, Remote};
use crate::transports::own_address;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn two_servers_share_a_port() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let billing = Server::builder().bind(at(&orders, "/billing/eu")).await.unwrap();
    assert!(orders.last_endpoint().unwrap().to_string().ends_with("/orders"));
    assert_eq!(billing.last_endpoint(), Some(at(&orders, "/billing/eu")));

    for _ in 0..20 {
        let to_orders = Client::new();
        to_orders.connect(at(&orders, "/orders")).await.unwrap();
        let to_billing = Client::new();
        to_billing.connect(at(&orders, "/billing/eu")).await.unwrap();
        to_orders.send("order").await.unwrap();
        to_billing.send("bill").await.unwrap();
        for (client, server, body) in
            [(to_orders, &orders, "order"), (to_billing, &billing, "bill")]
        {
            let (request, remote) = server.recv_from().await.unwrap();
            assert_eq!(request, body);
            assert_eq!(Some(remote.endpoint()), server.last_endpoint().as_ref());
            server.reply(&request, "reply").await.unwrap();
            assert_eq!(client.recv().await.unwrap(), "reply");
        }
    }
}

#[tokio::test]
async fn remotes_that_request_no_resource_reach_the_socket_without_one() {
    let _watchdog = Watchdog::start();
    // Either socket may bind first.
    for suffixes in [["", "/orders"], ["/orders", ""]] {
        let first = Server::new();
        first.bind(format!("tcp://127.0.0.1:*{}", suffixes[0])).await.unwrap();
        let second = Server::new();
        second.bind(at(&first, suffixes[1])).await.unwrap();
        for _ in 0..10 {
            for (server, suffix) in [(&first, suffixes[0]), (&second, suffixes[1])] {
                let client = Client::new();
                client.connect(at(&first, suffix)).await.unwrap();
                client.send("x").await.unwrap();
                assert_eq!(server.recv().await.unwrap(), "x");
            }
        }
    }
}

#[tokio::test]
async fn connections_wait_for_a_resource_that_is_bound_later() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let client = Client::new();
    client.connect(at(&orders, "/billing")).await.unwrap();
    let mut events = client.monitor();
    client.send("early").await.unwrap();
    until(&mut events, |kind| matches!(kind, EventKind::Connected)).await;
    let billing = Server::builder().bind(at(&orders, "/billing")).await.unwrap();
    assert_eq!(billing.recv().await.unwrap(), "early");
    assert!(orders.try_recv().is_err());
    // The waiting connection is used, and not another one.
    until(&mut events, |kind| {
        assert!(!matches!(kind, EventKind::HandshakeFailed { .. } | EventKind::Connected));
        matches!(kind, EventKind::HandshakeSucceeded)
    })
    .await;
}

#[tokio::test]
async fn a_resource_that_is_not_served_is_refused_after_the_time_limit() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().handshake_interval(Duration::from_millis(50));
    let orders = orders.bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let mut events = orders.monitor();
    for (suffix, asked) in [("/billing", Some("billing")), ("", None)] {
        let client = Client::new();
        client.connect(at(&orders, suffix)).await.unwrap();
        // The first attempts may exceed the limit before they have requested a resource.
        until(&mut events, |kind| match kind {
            EventKind::HandshakeFailed {
                reason: HandshakeFailure::UnknownResource { resource },
            } => resource.as_deref() == asked,
            _ => false,
        })
        .await;
        assert_eq!(client.stats().connected, 0);
    }
}

#[tokio::test]
async fn an_invalid_resource_is_kept_truncated() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().handshake_interval(Duration::from_millis(50));
    let orders = orders.bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let mut events = orders.monitor();
    let asked = remote::property("Resource", &[0x00; 60_000]);
    let resource = loop {
        let mut remote = Remote::dial(&at(&orders, "")).await;
        remote.write(&GREETING).await;
        remote.write(&remote::command("READY", &asked)).await;
        // The first attempts may exceed the limit before they have requested a resource.
        let failed = until(&mut events, |kind| matches!(kind, EventKind::HandshakeFailed { .. }));
        if let EventKind::HandshakeFailed {
            reason: HandshakeFailure::UnknownResource { resource },
        } = failed.await.kind
        {
            break resource.unwrap();
        }
    };
    assert_eq!(resource, "\\x00".repeat(255));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_connects_to_the_new_owner_of_a_resource() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let client = Client::builder().reconnect_interval(Duration::from_millis(1));
    let client = client.connect(at(&orders, "/billing")).await.unwrap();
    for _ in 0..100 {
        let billing = Server::builder().bind(at(&orders, "/billing")).await.unwrap();
        // Messages to the previous socket may be lost with it.
        loop {
            client.send("x").await.unwrap();
            if billing.recv_timeout(Duration::from_millis(1)).await.is_ok() {
                break;
            }
        }
        // The socket closes while a client connects.
        let _late = Client::new();
        _late.connect(at(&orders, "/billing")).await.unwrap();
        billing.close().await;
    }
}

#[tokio::test]
async fn each_connection_is_reported_by_the_socket_that_owns_it() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let billing = Server::builder().bind(at(&orders, "/billing")).await.unwrap();
    let (mut of_orders, mut of_billing) = (orders.monitor(), billing.monitor());
    for _ in 0..10 {
        let client = Client::new();
        client.connect(at(&orders, "/billing")).await.unwrap();
        client.remotes().connected().await.unwrap();
        let accepted = until(&mut of_billing, |kind| matches!(kind, EventKind::Accepted)).await;
        assert_eq!(accepted.endpoint, at(&orders, "/billing"));
        until(&mut of_billing, |kind| matches!(kind, EventKind::HandshakeSucceeded)).await;
    }
    assert!(of_orders.next().now_or_never().is_none());
}

#[tokio::test]
async fn a_resource_has_one_socket_and_a_port_closes_with_its_last() {
    let _watchdog = Watchdog::start();
    let orders = Server::builder().bind(format!("{}/orders", own_address())).await.unwrap();
    let taken = Server::builder().bind(at(&orders, "/orders")).await.unwrap_err();
    assert!(matches!(taken, BindError::AddrInUse { .. }));
    let billing = Server::builder().bind(at(&orders, "/billing")).await.unwrap();

    let port = at(&orders, "");
    orders.unbind(at(&billing, "/orders")).await.unwrap();
    // The port remains open without the socket that bound it.
    let client = Client::new();
    client.connect(at(&billing, "/billing")).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(billing.recv().await.unwrap(), "x");
    assert!(TcpListener::bind(address(&port)).is_err());
    // Another socket can serve the resource.
    let orders = Server::builder().bind(at(&billing, "/orders")).await.unwrap();
    orders.close().await;
    billing.close().await;
    TcpListener::bind(address(&port)).unwrap();
}

#[tokio::test]
async fn sockets_of_two_runtimes_share_a_port_and_outlive_each_other() {
    let _watchdog = Watchdog::start();
    let billing = Server::builder().build();
    let other = thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let orders = runtime.block_on(Server::builder().bind("tcp://127.0.0.1:*/orders")).unwrap();
        (runtime, orders)
    });
    let (runtime, orders) = other.join().unwrap();
    let endpoint = billing.bind(at(&orders, "/billing")).await.unwrap();
    let to_orders = at(&orders, "/orders");

    // Either runtime may accept connections for the socket of the other.
    let serving = thread::spawn(move || {
        runtime.block_on(async {
            for _ in 0..20 {
                let request = orders.recv().await.unwrap();
                orders.reply(&request, "order").await.unwrap();
            }
            // The last reply must be received first.
            assert_eq!(orders.recv().await.unwrap(), "end");
        });
    });
    for _ in 0..20 {
        let client = Client::new();
        client.connect(to_orders.clone()).await.unwrap();
        client.send("x").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "order");
        let client = Client::new();
        client.connect(endpoint.clone()).await.unwrap();
        client.send("x").await.unwrap();
        assert_eq!(billing.recv().await.unwrap(), "x");
    }
    let client = Client::new();
    client.connect(to_orders).await.unwrap();
    client.send("end").await.unwrap();
    tokio::task::spawn_blocking(|| serving.join().unwrap()).await.unwrap();

    let client = Client::new();
    client.connect(endpoint).await.unwrap();
    client.send("x").await.unwrap();
    assert_eq!(billing.recv().await.unwrap(), "x");
}

#[tokio::test]
async fn the_requested_resource_is_encrypted() {
    let _watchdog = Watchdog::start();
    let keypair = CurveKeypair::generate();
    let users = Users::new();
    users.insert("admin", "secret");
    let curve = Mechanism::curve_server(keypair.clone());
    let to_curve = Mechanism::curve_client((keypair.public_key(), CurveKeypair::generate()));
    let to_plain = Mechanism::plain_client("admin", "secret").unwrap();
    for (server, client) in [
        (Server::builder().mechanism(curve), to_curve),
        (Server::builder().mechanism(Mechanism::PlainServer).authenticator(users), to_plain),
    ] {
        let servers: [Server; 2] = shared(server, ["/orders", "/billing"]).await;
        for (server, suffix) in servers.iter().zip(["/orders", "/billing"]) {
            let client = Client::builder().mechanism(client.clone());
            let client = client.connect(at(server, suffix)).await.unwrap();
            client.send("x").await.unwrap();
            let request = server.recv().await.unwrap();
            server.reply(&request, "reply").await.unwrap();
            assert_eq!(client.recv().await.unwrap(), "reply");
        }
    }
}

#[tokio::test]
async fn sockets_with_different_security_do_not_share_a_port() {
    let _watchdog = Watchdog::start();
    let users = Users::new();
    let asking = Server::builder().authenticator(users);
    let server = asking.clone().bind("tcp://127.0.0.1:*/orders").await.unwrap();
    for builder in [
        Server::builder(),
        Server::builder().authenticator(Users::new()),
        asking.clone().audit(|_| ()),
        asking.clone().domain("other"),
        asking.clone().mechanism(Mechanism::PlainServer),
    ] {
        let error = builder.bind(at(&server, "/billing")).await.unwrap_err();
        assert!(matches!(error, BindError::SecurityMismatch { .. }), "{error}");
    }
    asking.bind(at(&server, "/billing")).await.unwrap();
}

#[tokio::test]
async fn sockets_of_different_types_with_clones_of_one_authenticator_share_a_port() {
    let _watchdog = Watchdog::start();
    let (server_keys, alice) = (CurveKeypair::generate(), CurveKeypair::generate());
    let client_mechanism = Mechanism::curve_client((server_keys.public_key(), alice.clone()));
    let mechanism = Mechanism::curve_server(server_keys);
    let keys = Keys::from_iter([(alice.public_key(), "alice")]);
    let calls = Server::builder().mechanism(mechanism.clone()).authenticator(keys.clone());
    let calls = calls.bind("tcp://127.0.0.1:*/calls").await.unwrap();
    let others = Keys::from_iter([(alice.public_key(), "alice")]);
    let other = Pub::builder().mechanism(mechanism.clone()).authenticator(others);
    let error = other.bind(at(&calls, "/events")).await.unwrap_err();
    assert!(matches!(error, BindError::SecurityMismatch { .. }), "{error}");
    let events = Pub::builder().mechanism(mechanism).authenticator(keys);
    let events = events.bind(at(&calls, "/events")).await.unwrap();

    let client = Client::builder().mechanism(client_mechanism.clone());
    let client = client.connect(at(&calls, "/calls")).await.unwrap();
    let sub = Sub::builder().mechanism(client_mechanism);
    let sub = sub.connect(at(&calls, "/events")).await.unwrap();
    sub.subscribe("an").unwrap();
    client.send("a call").await.unwrap();
    let (request, remote) = calls.recv_from().await.unwrap();
    assert_eq!((&request[..], remote.user_id()), (&b"a call"[..], Some("alice")));
    while events.subscribers("an event") == 0 {
        tokio::task::yield_now().await;
    }
    events.send("an event").await.unwrap();
    assert_eq!(sub.recv().await.unwrap(), ["an event"]);
}

#[tokio::test]
async fn sockets_of_different_types_share_a_port_with_the_security_of_one_builder() {
    let _watchdog = Watchdog::start();
    let (server_keys, alice) = (CurveKeypair::generate(), CurveKeypair::generate());
    let client_mechanism = Mechanism::curve_client((server_keys.public_key(), alice.clone()));
    let (audit, mut audited) = tokio::sync::mpsc::unbounded_channel();
    let calls = Server::builder()
        .mechanism(Mechanism::curve_server(server_keys))
        .authenticator(Keys::from_iter([(alice.public_key(), "alice")]))
        .domain("orders")
        .proxy_protocol(["192.0.2.1".parse().unwrap()])
        .audit(move |event| audit.send(event.endpoint.to_string()).unwrap());
    let tasks = Pull::builder().security_of(&calls);
    let calls = calls.bind("tcp://127.0.0.1:*/calls").await.unwrap();
    let tasks = tasks.bind(at(&calls, "/tasks")).await.unwrap();

    let push = Push::builder().mechanism(client_mechanism);
    let push = push.connect(at(&calls, "/tasks")).await.unwrap();
    push.send("a task").await.unwrap();
    assert_eq!(tasks.recv().await.unwrap(), ["a task"]);
    assert!(audited.recv().await.is_some());
}

#[tokio::test]
async fn authenticators_are_the_same_if_all_their_parts_are() {
    let _watchdog = Watchdog::start();
    let (keys, users, networks) = (Keys::new(), Users::new(), Networks::new());
    let (shared, other) = (Arc::new(Keys::new()), Arc::new(Keys::new()));
    assert!(keys.is_same(&keys.clone()) && !keys.is_same(&Keys::new()));
    assert!(users.is_same(&users.clone()) && !users.is_same(&Users::new()));
    assert!(networks.is_same(&networks.clone()) && !networks.is_same(&Networks::new()));
    assert!(shared.is_same(&Arc::clone(&shared)) && !shared.is_same(&other));
    assert!(Arc::new(keys.clone()).is_same(&Arc::new(keys.clone())));
    let and = networks.clone().and(keys.clone());
    assert!(and.is_same(&and.clone()));
    assert!(!and.is_same(&networks.and(Keys::new())));
    assert!(!and.is_same(&Networks::new().and(keys.clone())));
    let or = keys.clone().or(users.clone());
    assert!(or.is_same(&or.clone()));
    assert!(!or.is_same(&keys.or(Users::new())));
    assert!(!or.is_same(&Keys::new().or(users)));
}

#[tokio::test]
async fn a_mechanism_that_announces_first_cannot_serve_a_resource() {
    let _watchdog = Watchdog::start();
    let mechanism = Mechanism::plain_client("admin", "secret").unwrap();
    let server = Server::builder().mechanism(mechanism);
    let error = server.clone().bind("tcp://127.0.0.1:*/orders").await.unwrap_err();
    assert!(matches!(error, BindError::ResourceNeedsServerRole { .. }));
    server.bind("tcp://127.0.0.1:*").await.unwrap();
}

#[tokio::test]
async fn a_socket_of_another_type_is_also_found_and_refuses() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*/orders").await.unwrap();
    let client = Client::new();
    client.bind(at(&server, "/billing")).await.unwrap();
    let mut events = client.monitor();
    let _other = Client::new();
    _other.connect(at(&server, "/billing")).await.unwrap();
    let failed = until(&mut events, |kind| matches!(kind, EventKind::HandshakeFailed { .. })).await;
    let EventKind::HandshakeFailed { reason } = failed.kind else { unreachable!() };
    assert!(matches!(reason, HandshakeFailure::IncompatibleSocketType { .. }), "{reason}");
    assert_eq!(server.stats().connected, 0);
}

async fn shared<const N: usize>(builder: Builder<Server>, suffixes: [&str; N]) -> [Server; N] {
    let mut servers: Vec<Server> = Vec::new();
    for suffix in suffixes {
        let endpoint = match servers.first() {
            Some(first) => at(first, suffix),
            None => format!("tcp://127.0.0.1:*{suffix}").parse().unwrap(),
        };
        servers.push(builder.clone().bind(endpoint).await.unwrap());
    }
    servers.try_into().unwrap()
}

async fn until(events: &mut Monitor, is_it: impl Fn(&EventKind) -> bool) -> Event {
    loop {
        let event = events.recv().await.unwrap().unwrap();
        if is_it(&event.kind) {
            return event;
        }
    }
}

/// Returns the endpoint of a server, with another resource.
fn at(server: &Server, suffix: &str) -> Endpoint {
    let endpoint = server.last_endpoint().unwrap();
    format!("tcp://{}{suffix}", address(&endpoint)).parse().unwrap()
}

fn address(endpoint: &Endpoint) -> SocketAddr {
    let Endpoint::Tcp(tcp) = endpoint else { panic!("{endpoint} is not a tcp endpoint") };
    format!("{}:{}", tcp.host(), tcp.port()).parse().unwrap()
}
