//! RADIO and DISH of `tokio-zmtp` over UDP against those of libzmq 4.3.5, in both directions.
//!
//! "Ours" is `tokio-zmtp`, "theirs" is libzmq.

#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::future::Future;
use std::iter;
use std::net::UdpSocket;
use std::time::Duration;

use interop::{Context, Socket, SocketOption, SocketType};
use support::multicast;
use support::skipped::skip;
use support::transports::own_loopback;
use tokio::{task, time};
use tokio_zmtp::{Dish, Endpoint, Group, GroupMessage, Radio};

#[tokio::test]
async fn their_dish_receives_our_messages() {
    guarded(async {
        for endpoint in unicast_endpoints() {
            let (theirs, ours) = (socket(SocketType::Dish, &endpoint), Radio::new());
            for name in groups() {
                theirs.join(name.as_bytes()).unwrap();
            }
            theirs.bind(&endpoint).unwrap();
            ours.connect(&endpoint).await.unwrap();
            until_bound(&ours, &theirs).await;
            for (name, body) in messages() {
                ours.send(&group(&name), &body).await.unwrap();
                ours.send(&group("not joined"), "discarded").await.unwrap();
                let theirs = theirs.clone();
                assert_eq!(received(theirs).await, (name.into_bytes(), body));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn their_dish_receives_a_burst_of_our_messages() {
    guarded(async {
        let [endpoint, ..] = &unicast_endpoints()[..] else { panic!("IPv4 is not available") };
        let (theirs, ours) = (socket(SocketType::Dish, endpoint), Radio::new());
        theirs.join(b"TV").unwrap();
        theirs.bind(endpoint).unwrap();
        ours.connect(endpoint).await.unwrap();
        until_bound(&ours, &theirs).await;
        for number in 0..100_u8 {
            ours.send(&group("TV"), [number; 64]).await.unwrap();
        }
        for number in 0..100 {
            assert_eq!(received(theirs.clone()).await.1, [number; 64]);
        }
    })
    .await;
}

#[tokio::test]
async fn our_dish_receives_their_messages() {
    guarded(async {
        for endpoint in unicast_endpoints() {
            let (ours, theirs) = (Dish::new(), socket(SocketType::Radio, &endpoint));
            for name in groups() {
                ours.join(&group(&name));
            }
            ours.bind(&endpoint).await.unwrap();
            theirs.connect(&endpoint).unwrap();
            for (name, body) in messages() {
                theirs.send_to_group(b"not joined", b"discarded").unwrap();
                theirs.send_to_group(name.as_bytes(), &body).unwrap();
                assert_eq!(ours.recv().await.unwrap(), GroupMessage::new(&group(&name), &body));
            }
            assert_eq!(ours.stats().dropped, Default::default());
        }
    })
    .await;
}

#[tokio::test]
async fn both_dishes_receive_messages_of_both_radios_at_a_multicast_address() {
    guarded(async {
        for [endpoint, _] in multicast::endpoints() {
            let ours = Dish::builder().join(&group("TV")).build();
            let endpoint = match ours.bind(format!("{endpoint}:*")).await.unwrap() {
                Endpoint::Udp(udp) => format!("{endpoint}:{}", udp.port()),
                other => panic!("{other} is not UDP"),
            };
            let theirs = socket(SocketType::Dish, &endpoint);
            theirs.join(b"TV").unwrap();
            theirs.bind(&endpoint).unwrap();
            let our_radio = Radio::new();
            our_radio.connect(&endpoint).await.unwrap();
            until_bound(&our_radio, &theirs).await;

            our_radio.send(&group("TV"), "from us").await.unwrap();
            assert_eq!(received_by_us(&ours).await, "from us");
            assert_eq!(received(theirs.clone()).await.1, b"from us");

            let their_radio = socket(SocketType::Radio, &endpoint);
            their_radio.connect(&endpoint).unwrap();
            their_radio.send_to_group(b"TV", b"from them").unwrap();
            assert_eq!(received_by_us(&ours).await, "from them");
            assert_eq!(received(theirs.clone()).await.1, b"from them");
        }
    })
    .await;
}

#[test]
fn both_libraries_refuse_the_wrong_direction() {
    for endpoint in ["udp://127.0.0.1:5556", "udp://239.255.77.1:5556"] {
        assert!(socket(SocketType::Dish, endpoint).connect(endpoint).is_err());
        assert!(socket(SocketType::Radio, endpoint).bind(endpoint).is_err());
        assert!(socket(SocketType::Client, endpoint).connect(endpoint).is_err());
        assert!(socket(SocketType::Server, endpoint).bind(endpoint).is_err());
    }
}

/// Sends probes until their DISH, which binds in the background, receives one.
async fn until_bound(ours: &Radio, theirs: &Socket) {
    let joined = theirs.join(b"TV").is_ok();
    theirs.set(SocketOption::RecvTimeout, 20).unwrap();
    loop {
        ours.send(&group("TV"), PROBE).await.unwrap();
        let theirs = theirs.clone();
        if task::spawn_blocking(move || theirs.recv_of_group()).await.unwrap().is_ok() {
            break;
        }
    }
    theirs.set(SocketOption::RecvTimeout, -1).unwrap();
    if joined {
        theirs.leave(b"TV").unwrap();
    }
}

/// Receives the next message that is not a probe.
async fn received(theirs: Socket) -> (Vec<u8>, Vec<u8>) {
    let receive = move || {
        let mut messages = iter::repeat_with(|| theirs.recv_of_group().unwrap());
        messages.find(|(_, body)| body != PROBE).unwrap()
    };
    task::spawn_blocking(receive).await.unwrap()
}

/// Receives the next message of our DISH that is not a probe.
async fn received_by_us(ours: &Dish) -> String {
    loop {
        let message = ours.recv().await.unwrap();
        if &message[..] != PROBE {
            return message.to_str().unwrap().to_owned();
        }
    }
}

/// Messages of all lengths that libzmq can receive.
fn messages() -> Vec<(String, Vec<u8>)> {
    let mut messages = Vec::new();
    for name in groups() {
        for length in [0, 1, 72, 1_232, 2_000, 8_191 - name.len()] {
            messages.push((name.clone(), vec![b'x'; length]));
        }
    }
    messages
}

fn groups() -> Vec<String> {
    [0, 1, 14, 15, 126].map(|length| "g".repeat(length)).to_vec()
}

/// Endpoints of ports that are free.
fn unicast_endpoints() -> Vec<String> {
    let hosts = [own_loopback().to_string(), "[::1]".to_owned()];
    let free = |host: String| match UdpSocket::bind(format!("{host}:0")) {
        Ok(socket) => Some(format!("udp://{host}:{}", socket.local_addr().unwrap().port())),
        Err(error) => {
            skip(format_args!("{host} cannot be bound: {error}"));
            None
        }
    };
    hosts.into_iter().filter_map(free).collect()
}

/// Creates a socket of theirs for an IPv4 or IPv6 endpoint.
fn socket(socket_type: SocketType, endpoint: &str) -> Socket {
    let socket = Socket::new(&Context::new().unwrap(), socket_type).unwrap();
    socket.set(SocketOption::Linger, 0).unwrap();
    socket.set(SocketOption::Ipv6, endpoint.contains('[').into()).unwrap();
    socket
}

fn group(name: &str) -> Group {
    name.parse().unwrap()
}

async fn guarded(test: impl Future<Output = ()>) {
    time::timeout(Duration::from_secs(60), test).await.expect("the test hangs");
}

const PROBE: &[u8] = b"probe";
