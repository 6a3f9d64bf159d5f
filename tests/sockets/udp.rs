//! The `udp` transport: datagrams from RADIOs to DISHes.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use tokio::task;
use tokio_zmtp::auth::Keys;
use tokio_zmtp::monitor::{DropCause, EventKind};
use tokio_zmtp::{
    BindError, Builder, Client, ConnectError, Dish, Endpoint, Group, GroupMessage, Mechanism,
    Radio, SendError, Server, SocketType, TrySendError,
};

use crate::events;
use crate::multicast;
use crate::skipped::has_ipv6;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn a_message_arrives_at_a_unicast_address() {
    let _watchdog = Watchdog::start();
    for (bound, host) in [
        ("udp://127.0.0.1:*", "127.0.0.1"),
        ("udp://*:*", "127.0.0.1"),
        ("udp://*:*", "localhost"),
        ("udp://[::1]:*", "[::1]"),
        ("udp://*:*", "[::1]"),
    ] {
        if host == "[::1]" && !has_ipv6() {
            continue;
        }
        let dish = dish("TV");
        let endpoint = dish.bind(bound).await.unwrap();
        assert_eq!(dish.last_endpoint().as_ref(), Some(&endpoint));
        let radio = Radio::new();
        radio.connect(format!("udp://{host}:{}", port(&endpoint))).await.unwrap();
        radio.send(&group("TV"), "Friends").await.unwrap();
        assert_eq!(dish.recv().await.unwrap(), GroupMessage::new(&group("TV"), "Friends"));
    }
}

#[tokio::test]
async fn every_dish_of_a_multicast_address_receives_and_no_other_at_its_port() {
    let _watchdog = Watchdog::start();
    for [first, second] in multicast::endpoints() {
        let dishes = [dish("TV"), dish("TV"), dish("TV")];
        let port = port(&dishes[0].bind(format!("{first}:*")).await.unwrap());
        dishes[1].bind(format!("{first}:{port}")).await.unwrap();
        dishes[2].bind(format!("{second}:{port}")).await.unwrap();
        let radios = [Radio::new(), Radio::new()];
        radios[0].connect(format!("{first}:{port}")).await.unwrap();
        radios[1].connect(format!("{second}:{port}")).await.unwrap();
        // Each datagram is sent when the one before has arrived.
        for text in ["Friends", "Seinfeld"] {
            radios[1].send(&group("TV"), "other").await.unwrap();
            assert_eq!(&dishes[2].recv().await.unwrap()[..], b"other");
            radios[0].send(&group("TV"), text).await.unwrap();
            for dish in &dishes[..2] {
                assert_eq!(&dish.recv().await.unwrap()[..], text.as_bytes());
            }
        }
        assert!(dishes[2].try_recv().is_err());
    }
}

#[tokio::test]
#[cfg(not(windows))]
async fn without_loopback_no_dish_of_this_machine_receives() {
    let _watchdog = Watchdog::start();
    // Datagrams through the loopback interface always return.
    for [endpoint, _] in
        multicast::endpoints().into_iter().filter(|[first, _]| !first.contains(';'))
    {
        let dish = dish("TV");
        let endpoint =
            format!("{endpoint}:{}", port(&dish.bind(format!("{endpoint}:*")).await.unwrap()));
        let silent = Radio::builder().multicast_loop(false).connect(&endpoint).await.unwrap();
        silent.send(&group("TV"), "silent").await.unwrap();
        while silent.stats().sent.messages == 0 {
            task::yield_now().await;
        }
        let radio = Radio::new();
        radio.connect(&endpoint).await.unwrap();
        radio.send(&group("TV"), "heard").await.unwrap();
        assert_eq!(&dish.recv().await.unwrap()[..], b"heard");
    }
}

#[tokio::test]
async fn a_dish_receives_the_groups_that_it_has_joined() {
    let _watchdog = Watchdog::start();
    let dish = dish("TV");
    let radio = Radio::new();
    radio.connect(dish.bind("udp://127.0.0.1:*").await.unwrap()).await.unwrap();
    let send = async |name: &str, body: &str| radio.send(&group(name), body).await.unwrap();
    send("Movies", "Godfather").await;
    send("TV", "Friends").await;
    assert_eq!(&dish.recv().await.unwrap()[..], b"Friends");
    assert!(dish.join(&group("Movies")));
    send("Movies", "Casablanca").await;
    assert_eq!(&dish.recv().await.unwrap()[..], b"Casablanca");
    assert!(dish.leave(&group("Movies")));
    send("Movies", "Vertigo").await;
    send("", "no group").await;
    send("TV", "Seinfeld").await;
    assert_eq!(&dish.recv().await.unwrap()[..], b"Seinfeld");
    let stats = dish.stats();
    assert_eq!((stats.received.messages, stats.dropped), (3, Default::default()));
}

#[tokio::test]
async fn an_endpoint_is_one_remote_and_a_member_of_every_group() {
    let _watchdog = Watchdog::start();
    let dish = dish("TV");
    let endpoint = dish.bind("udp://127.0.0.1:*").await.unwrap();
    dish.remotes().connected().await.unwrap();
    let radio = Radio::new();
    radio.connect(&endpoint).await.unwrap();
    radio.remotes().connected().await.unwrap();
    let remotes = radio.remotes().list();
    assert_eq!(remotes[0].endpoint(), &endpoint);
    assert_eq!(remotes[0].address(), Some(address(&endpoint)));
    assert_eq!((remotes[0].socket_type(), remotes.len()), (None, 1));
    assert_eq!(radio.members(&group("any")), remotes);

    radio.send(&group("TV"), "Friends").await.unwrap();
    dish.recv().await.unwrap();
    let stats = radio.remotes().stats(remotes[0].connection_id()).unwrap();
    assert_eq!((stats.sent.messages, stats.sent.bytes), (1, 10));
    assert_eq!(dish.stats().received, stats.sent);

    radio.disconnect(&endpoint).await.unwrap();
    while !radio.remotes().list().is_empty() {
        task::yield_now().await;
    }
    assert!(radio.members(&group("any")).is_empty());
}

#[tokio::test]
async fn a_message_goes_to_streams_and_datagrams() {
    let _watchdog = Watchdog::start();
    let radio = Radio::new();
    let (by_udp, by_tcp) = (dish("TV"), dish("TV"));
    radio.connect(by_udp.bind("udp://127.0.0.1:*").await.unwrap()).await.unwrap();
    by_tcp.connect(radio.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    while radio.members(&group("TV")).len() < 2 {
        task::yield_now().await;
    }
    for body in ["Friends".to_owned(), "x".repeat(8_189)] {
        radio.send(&group("TV"), &body).await.unwrap();
        for dish in [&by_udp, &by_tcp] {
            assert_eq!(&dish.recv().await.unwrap()[..], body.as_bytes());
        }
    }
}

#[tokio::test]
async fn a_message_that_does_not_fit_a_datagram_is_returned_and_sent_to_no_remote() {
    let _watchdog = Watchdog::start();
    let radio = Radio::new();
    let (by_udp, by_tcp) = (dish("TV"), dish("TV"));
    let endpoint = by_udp.bind("udp://127.0.0.1:*").await.unwrap();
    radio.connect(&endpoint).await.unwrap();
    by_tcp.connect(radio.bind("tcp://127.0.0.1:*").await.unwrap()).await.unwrap();
    let long = "x".repeat(8_190);
    for (group, body) in [(group("TV"), &*long), (group(&"g".repeat(128)), "short")] {
        let message = GroupMessage::new(&group, body);
        let refused = radio.send(&group, body).await.unwrap_err();
        assert_eq!(refused, SendError::TooLong(message.clone()));
        assert_eq!(refused.into_inner(), message);
        let refused = radio.try_send(&group, body).unwrap_err();
        assert_eq!(refused, TrySendError::TooLong(message));
    }
    // The limit of datagrams no longer applies.
    radio.disconnect(&endpoint).await.unwrap();
    while radio.members(&group("TV")).is_empty() {
        task::yield_now().await;
    }
    radio.send(&group("TV"), &long).await.unwrap();
    assert_eq!(by_tcp.recv().await.unwrap().len(), 8_190);
    assert_eq!(by_tcp.stats().received.messages, 1);
}

#[tokio::test]
async fn datagrams_that_are_not_messages_are_counted_and_change_nothing() {
    let _watchdog = Watchdog::start();
    let dish = dish("TV");
    let endpoint = dish.bind("udp://127.0.0.1:*").await.unwrap();
    let mut monitor = dish.monitor();
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    let long = [&b"\x02TV"[..], &[0; 8_190]].concat();
    for datagram in [&b""[..], b"\x05TV", b"\xff", b"\x02a\0", &long] {
        assert_eq!(remote.send_to(datagram, address(&endpoint)).unwrap(), datagram.len());
    }
    remote.send_to(b"\x02TVFriends", address(&endpoint)).unwrap();
    assert_eq!(&dish.recv().await.unwrap()[..], b"Friends");
    events::until_dropped(&mut monitor, 5, DropCause::Malformed).await;
    let dropped = dish.stats().dropped;
    assert_eq!(dropped.datagrams.malformed, 5);
    let remote = &dish.remotes().list()[0];
    assert_eq!(dish.remotes().stats(remote.connection_id()).unwrap().datagrams, dropped.datagrams);
}

#[tokio::test]
async fn messages_that_find_the_queue_full_are_dropped_and_counted() {
    let _watchdog = Watchdog::start();
    let dish = Dish::builder().join(&group("TV")).recv_hwm(3).build();
    let endpoint = dish.bind("udp://127.0.0.1:*").await.unwrap();
    let mut monitor = dish.monitor();
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |number: u8| {
        remote.send_to(&[b"\x02TV", &[number][..]].concat(), address(&endpoint)).unwrap();
    };
    (0..10).for_each(send);
    while dish.stats().dropped.datagrams.overflowed < 7 {
        task::yield_now().await;
    }
    for number in 0..3 {
        assert_eq!(&dish.recv().await.unwrap()[..], [number]);
    }
    send(10);
    assert_eq!(&dish.recv().await.unwrap()[..], [10]);
    events::until_dropped(&mut monitor, 7, DropCause::Overflowed).await;
    assert_eq!(dish.stats().dropped.datagrams.overflowed, 7);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_radio_outlives_the_port_that_it_sends_to() {
    let _watchdog = Watchdog::start();
    let dish = dish("TV");
    let endpoint = dish.bind("udp://127.0.0.1:*").await.unwrap();
    let radio = Radio::new();
    radio.connect(&endpoint).await.unwrap();
    let mut monitor = radio.monitor();
    radio.send(&group("TV"), "Friends").await.unwrap();
    dish.recv().await.unwrap();
    dish.unbind(&endpoint).await.unwrap();
    // The port refuses the first datagram, and the system reports this to the next send.
    for number in 0..2 {
        radio.send(&group("TV"), "refused").await.unwrap();
        while radio.stats().sent.messages < 2 + number {
            task::yield_now().await;
        }
    }
    events::until(&mut monitor, |kind| {
        matches!(kind, EventKind::MessagesDropped { messages: 1, cause: DropCause::Lost })
    })
    .await;
    assert_eq!(radio.stats().dropped.datagrams.lost, 1);
    dish.bind(&endpoint).await.unwrap();
    radio.send(&group("TV"), "Seinfeld").await.unwrap();
    assert_eq!(&dish.recv().await.unwrap()[..], b"Seinfeld");
    assert_eq!((radio.remotes().list().len(), radio.stats().reconnects), (1, 0));
}

#[tokio::test]
async fn queued_messages_are_sent_before_the_socket_is_closed() {
    let _watchdog = Watchdog::start();
    let dish = dish("TV");
    let endpoint = dish.bind("udp://127.0.0.1:*").await.unwrap();
    let radio = Radio::new();
    radio.connect(&endpoint).await.unwrap();
    for number in 0..100_u8 {
        radio.send(&group("TV"), [number]).await.unwrap();
    }
    let report = radio.close().await;
    assert_eq!((report.written, report.undelivered), (100, 0));
    for number in 0..100 {
        assert_eq!(&dish.recv().await.unwrap()[..], [number]);
    }
    dish.close().await;
    // The port is free.
    UdpSocket::bind(address(&endpoint)).unwrap();
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_opened_is_tried_again() {
    let _watchdog = Watchdog::start();
    let radio = Radio::builder().build();
    let mut monitor = radio.monitor();
    let endpoint = "udp://no-such-interface;239.255.77.9:5555";
    radio.connect(endpoint).await.unwrap();
    radio.send(&group("TV"), "waits").await.unwrap();
    for _ in 0..2 {
        events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectFailed { .. })).await;
        events::until(&mut monitor, |kind| matches!(kind, EventKind::ConnectRetried { .. })).await;
    }
    radio.set_linger(std::time::Duration::ZERO);
    let report = radio.close().await;
    assert_eq!((report.written, report.undelivered), (0, 1));
}

#[tokio::test]
async fn a_remote_that_is_disconnected_is_opened_again() {
    let _watchdog = Watchdog::start();
    let (dish, radio) = (dish("TV"), Radio::new());
    radio.connect(dish.bind("udp://127.0.0.1:*").await.unwrap()).await.unwrap();
    for remotes in [radio.remotes(), dish.remotes()] {
        remotes.connected().await.unwrap();
        let id = remotes.list()[0].connection_id();
        assert!(remotes.disconnect(id));
        while remotes.list().first().is_none_or(|remote| remote.connection_id() == id) {
            task::yield_now().await;
        }
    }
    radio.send(&group("TV"), "Friends").await.unwrap();
    assert_eq!(&dish.recv().await.unwrap()[..], b"Friends");
}

#[tokio::test]
async fn a_radio_binds_no_udp_and_a_dish_connects_to_none() {
    let _watchdog = Watchdog::start();
    let (radio, dish) = (Radio::new(), Dish::new());
    for endpoint in
        ["udp://*:5556", "udp://127.0.0.1:5556", "udp://[::1]:5556", "udp://239.0.0.1:5556"]
    {
        let refused = radio.bind(endpoint).await.unwrap_err();
        let socket_type = SocketType::Radio;
        assert!(
            matches!(refused, BindError::IncompatibleTransport { socket_type: of, .. } if of == socket_type)
        );
    }
    for endpoint in ["udp://127.0.0.1:5556", "udp://[::1]:5556", "udp://239.0.0.1:5556"] {
        let refused = dish.connect(endpoint).await.unwrap_err();
        let socket_type = SocketType::Dish;
        assert!(
            matches!(refused, ConnectError::IncompatibleTransport { socket_type: of, .. } if of == socket_type)
        );
    }
}

#[tokio::test]
async fn a_socket_that_requires_security_refuses_udp() {
    let _watchdog = Watchdog::start();
    async fn check(
        secure: fn(Builder<Dish>) -> Builder<Dish>,
        radio: fn(Builder<Radio>) -> Builder<Radio>,
    ) {
        let dish = secure(Dish::builder()).build();
        let refused = dish.bind("udp://127.0.0.1:*").await.unwrap_err();
        assert!(matches!(refused, BindError::UnsecuredTransport { .. }), "{refused}");
        let radio = radio(Radio::builder()).build();
        let refused = radio.connect("udp://127.0.0.1:5555").await.unwrap_err();
        assert!(matches!(refused, ConnectError::UnsecuredTransport { .. }), "{refused}");
    }
    check(
        |dish| dish.mechanism(Mechanism::plain_client("name", "password").unwrap()),
        |radio| radio.mechanism(Mechanism::plain_client("name", "password").unwrap()),
    )
    .await;
    check(
        |dish| dish.mechanism(Mechanism::PlainServer).authenticator(Keys::new()),
        |radio| radio.authenticator(Keys::new()),
    )
    .await;
}

#[tokio::test]
async fn sockets_of_other_types_refuse_udp() {
    let _watchdog = Watchdog::start();
    let (client, server) = (Client::new(), Server::new());
    for endpoint in ["udp://127.0.0.1:5555", "udp://239.255.7.7:5555", "udp://[::1]:5555"] {
        let refused = server.bind(endpoint).await.unwrap_err();
        let expected = format!("SERVER cannot bind {endpoint}: only DISH binds udp");
        assert_eq!(refused.to_string(), expected);
        assert!(matches!(
            refused,
            BindError::IncompatibleTransport { socket_type: SocketType::Server, .. }
        ));
        for refused in [client.connect(endpoint).await, client.connect_all(endpoint).await] {
            let refused = refused.unwrap_err();
            let expected =
                format!("CLIENT cannot connect to {endpoint}: only RADIO connects to udp");
            assert_eq!(refused.to_string(), expected);
            assert!(matches!(
                refused,
                ConnectError::IncompatibleTransport { socket_type: SocketType::Client, .. }
            ));
        }
        client.bind(endpoint).await.unwrap_err();
        server.connect(endpoint).await.unwrap_err();
    }
    assert_eq!((client.last_endpoint(), server.last_endpoint()), (None, None));
}

fn dish(joined: &str) -> Dish {
    Dish::builder().join(&group(joined)).build()
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

fn port(endpoint: &Endpoint) -> u16 {
    let Endpoint::Udp(udp) = endpoint else { panic!("{endpoint} is not a udp endpoint") };
    udp.port()
}

fn address(endpoint: &Endpoint) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port(endpoint)).into()
}
