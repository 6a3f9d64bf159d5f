#[cfg(target_os = "linux")]
use std::os::{fd::OwnedFd, unix::net::UnixDatagram};
use std::time::Duration;

#[cfg(target_os = "linux")]
use futures::FutureExt;
use support::multicast;
use support::skipped::has_ipv6;
use tokio::time;

use super::*;
use crate::options::UdpOptions;

#[tokio::test]
async fn datagrams_arrive_at_a_unicast_address() {
    for endpoint in ["udp://127.0.0.1:*", "udp://[::1]:*", "udp://localhost:*", "udp://*:*"] {
        if endpoint.contains("[::1]") && !has_ipv6() {
            continue;
        }
        let mut receiver = bind(endpoint).await;
        let mut to = bound(&receiver);
        if endpoint.contains('*') && to.host().to_string() == "[::]" {
            to = parse(&format!("udp://127.0.0.1:{}", to.port()));
        }
        let mut sender = Sender::open(&to, &Options::default()).await.unwrap();
        let sent = send(&mut sender, &["first", "2nd"]).await;
        assert_eq!((sent.sent, sent.lost), (2, 0));
        assert_eq!(receive(&mut receiver, 2).await, [b"\x01gfirst".to_vec(), b"\x01g2nd".to_vec()]);
    }
}

#[tokio::test]
async fn a_multicast_address_is_joined_and_others_at_its_port_are_not_received() {
    for [group, other] in multicast::endpoints() {
        let mut receiver = bind(&format!("{group}:*")).await;
        let port = bound(&receiver).port();
        let other_endpoint = format!("{other}:{port}");
        let mut other_receiver = bind(&other_endpoint).await;
        let mut second_receiver = bind(&format!("{group}:{port}")).await;

        let mut to_other = open(&other_endpoint, &Options::default()).await;
        let mut to_group = open(&format!("{group}:{port}"), &Options::default()).await;
        assert_eq!(send(&mut to_other, &[b"other"]).await.sent, 1);
        assert_eq!(send(&mut to_group, &[b"group"]).await.sent, 1);

        let expected = [b"\x01ggroup".to_vec()];
        assert_eq!(receive(&mut receiver, 1).await, expected);
        assert_eq!(receive(&mut second_receiver, 1).await, expected);
        assert_eq!(receive(&mut other_receiver, 1).await, [b"\x01gother".to_vec()]);
    }
}

#[tokio::test]
#[cfg(not(windows))]
async fn without_loopback_this_machine_receives_nothing() {
    // What is sent to the loopback interface always returns.
    for [group, _] in
        multicast::endpoints().into_iter().filter(|[group, _]| !group.contains("127.0.0.1"))
    {
        let mut receiver = bind(&format!("{group}:*")).await;
        let endpoint = format!("{group}:{}", bound(&receiver).port());
        let udp = UdpOptions { multicast_loop: false, ..UdpOptions::default() };
        let mut silent = open(&endpoint, &Options { udp, ..Options::default() }).await;
        let mut heard = open(&endpoint, &Options::default()).await;
        assert_eq!(send(&mut silent, &[b"silent"]).await.sent, 1);
        assert_eq!(send(&mut heard, &[b"heard"]).await.sent, 1);
        assert_eq!(receive(&mut receiver, 1).await, [b"\x01gheard".to_vec()]);
    }
}

#[tokio::test]
async fn a_sender_has_the_options() {
    let udp = UdpOptions { multicast_hops: 7, multicast_loop: false };
    let options = Options { udp, ..Options::default() };
    for [group, _] in multicast::endpoints() {
        let sender = open(&format!("{group}:9"), &options).await;
        let socket = socket2::SockRef::from(&sender.socket);
        if sender.address().is_ipv4() {
            assert_eq!(socket.multicast_ttl_v4().unwrap(), 7);
            assert!(!socket.multicast_loop_v4().unwrap());
        } else {
            assert_eq!(socket.multicast_hops_v6().unwrap(), 7);
            assert!(!socket.multicast_loop_v6().unwrap());
        }
    }
}

#[tokio::test]
async fn datagrams_of_all_lengths_keep_their_bounds_and_order() {
    let mut receiver = bind("udp://127.0.0.1:*").await;
    let mut sender = Sender::open(&bound(&receiver), &Options::default()).await.unwrap();
    let lengths = [0, 5, 5, 5, 3, 8, 1_230, 1_230, 7, 8_190, 8_190, 2_000, 9, 9, 0, 0];
    let bodies: Vec<_> = lengths.iter().map(|&len| vec![b'x'; len]).collect();
    let sent = send(&mut sender, &bodies).await;
    let bytes = lengths.iter().map(|len| len + 2).sum();
    assert_eq!((sent.sent, sent.bytes, sent.lost), (lengths.len(), bytes, 0));
    let received: Vec<_> = receive(&mut receiver, lengths.len())
        .await
        .iter()
        .map(|datagram| datagram.len() - 2)
        .collect();
    assert_eq!(received, lengths);
}

#[tokio::test]
async fn a_sender_that_stops_batching_splits_no_datagram() {
    let mut receiver = bind("udp://127.0.0.1:*").await;
    let mut sender = Sender::open(&bound(&receiver), &Options::default()).await.unwrap();
    // Sent together where the system can.
    assert_eq!(send(&mut sender, &[[b'x'; 5]; 3]).await.sent, 3);
    sender.offload.disable(&sender.socket);
    assert_eq!(send(&mut sender, &[[b'x'; 100]]).await.sent, 1);
    let lengths: Vec<_> = receive(&mut receiver, 4).await.iter().map(Vec::len).collect();
    assert_eq!(lengths, [7, 7, 7, 102]);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn many_datagrams_are_sent_and_received_by_one_call() {
    let mut receiver = bind("udp://127.0.0.1:*").await;
    let mut sender = Sender::open(&bound(&receiver), &Options::default()).await.unwrap();
    if sender.offload == Offload::None {
        eprintln!("skipped: this system does not segment datagrams");
        return;
    }
    let mut batch = DatagramBatch::default();
    let mut pushed = 0_u8;
    while sender.push(&mut batch, Datagram::new(b"g", &[pushed; 64]).unwrap()) {
        pushed += 1;
    }
    assert_eq!((pushed, batch.datagrams()), (64, 64));
    sender.send(&mut batch).await;
    assert_eq!(batch.finish().sent, 64);
    assert_eq!(batch.datagrams(), 0);
    let datagrams = receive(&mut receiver, 64).await;
    let last: Vec<_> = datagrams.iter().map(|datagram| datagram[65]).collect();
    assert_eq!(last, (0..64).collect::<Vec<_>>());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_batch_that_is_not_sent_completely_knows_what_was_tried() {
    let (mut sender, mut other) = Sender::that_blocks().await;
    let mut batch = DatagramBatch::default();
    let mut pushed = 0;
    while sender.push(&mut batch, Datagram::new(b"g", &[b'x'; 198]).unwrap()) {
        pushed += 1;
    }
    let is_complete = sender.send(&mut batch).now_or_never().is_some();
    let received = drain(&mut other);
    let Sent { tried, sent, bytes, lost, error } = batch.finish();
    assert!(!is_complete && (1..pushed).contains(&sent), "{sent} of {pushed}");
    assert_eq!((tried, bytes, lost, received), (sent, sent * 200, 0, sent));
    assert!(error.is_none());
    assert_eq!(batch.finish().tried, 0);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_port_that_is_not_open_is_a_loss_and_the_socket_goes_on() {
    let mut receiver = bind("udp://127.0.0.1:*").await;
    let endpoint = bound(&receiver);
    let mut sender = Sender::open(&endpoint, &Options::default()).await.unwrap();
    drop(receiver);
    assert_eq!(send(&mut sender, &[b"refused"]).await.lost, 0);
    let sent = send(&mut sender, &[b"reports"]).await;
    assert_eq!((sent.sent, sent.lost), (1, 1));
    assert_eq!(sent.error.unwrap().kind(), io::ErrorKind::ConnectionRefused);
    receiver = Receiver::bind(&endpoint, &Options::default()).await.unwrap();
    // The second one was refused as well.
    assert_eq!(send(&mut sender, &[b"arrives"]).await.sent, 1);
    assert_eq!(receive(&mut receiver, 1).await, [b"\x01garrives".to_vec()]);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn what_the_system_drops_is_counted() {
    let mut options = Options::default();
    options.tcp.recv_buffer_size = Some(2_048);
    let endpoint = parse("udp://127.0.0.1:*");
    let mut receiver = Receiver::bind(&endpoint, &options).await.unwrap();
    let mut sender = Sender::open(&bound(&receiver), &Options::default()).await.unwrap();
    sender.offload = Offload::None;
    for _ in 0..100 {
        assert_eq!(send(&mut sender, &[b"flood"]).await.sent, 1);
    }
    let arrived = receiver.recv().await.unwrap();
    let (mut received, mut dropped) = (arrived.datagrams().count() as u32, arrived.dropped);
    while let Ok(arrived) = receiver.try_recv() {
        received += arrived.datagrams().count() as u32;
        dropped += arrived.dropped;
    }
    // The count comes with the next datagram.
    send(&mut sender, &[b"last"]).await;
    dropped += receiver.recv().await.unwrap().dropped;
    assert!(received < 100);
    assert_eq!(received + dropped, 100);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_used_is_an_error() {
    let error =
        Receiver::bind(&parse("udp://192.0.2.200:*"), &Options::default()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    for endpoint in ["udp://no-such-interface;239.255.1.2:1", "udp://no-such-interface;[ff02::1]:1"]
    {
        let error = Sender::open(&parse(endpoint), &Options::default()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(error.to_string().contains("`no-such-interface`"), "{error}");
    }
    let error =
        Sender::open(&parse("udp://lo;localhost:1"), &Options::default()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[cfg(target_os = "linux")]
impl Sender {
    /// Creates a sender with a socket that refuses long batches, and accepts only a few datagrams
    /// until the other socket receives them.
    pub(crate) async fn that_blocks() -> (Self, UnixDatagram) {
        let (socket, other) = UnixDatagram::pair().unwrap();
        socket.set_nonblocking(true).unwrap();
        other.set_nonblocking(true).unwrap();
        socket2::SockRef::from(&socket).set_send_buffer_size(2_048).unwrap();
        let socket = UdpSocket::from_std(OwnedFd::from(socket).into()).unwrap();
        socket.writable().await.unwrap();
        let address = ([127, 0, 0, 1], 9).into();
        // The system does not split what this socket sends, and need not: it refuses a batch.
        let offload = Offload::Segments(200);
        (Self { socket, address, destination: None, offload }, other)
    }
}

/// Returns the number of datagrams that have arrived.
#[cfg(target_os = "linux")]
pub(crate) fn drain(socket: &mut UnixDatagram) -> usize {
    std::iter::from_fn(|| socket.recv(&mut [0; 1_000]).ok()).count()
}

async fn bind(endpoint: &str) -> Receiver {
    Receiver::bind(&parse(endpoint), &Options::default()).await.unwrap()
}

async fn open(endpoint: &str, options: &Options) -> Sender {
    Sender::open(&parse(endpoint), options).await.unwrap()
}

fn bound(receiver: &Receiver) -> UdpEndpoint {
    parse(&receiver.local_endpoint().to_string())
}

fn parse(endpoint: &str) -> UdpEndpoint {
    let Ok(Endpoint::Udp(udp)) = endpoint.parse() else { panic!("{endpoint} is UDP") };
    udp
}

/// Sends messages of the group `g`.
async fn send(sender: &mut Sender, bodies: &[impl AsRef<[u8]>]) -> Sent {
    let (mut batch, mut sum) = (DatagramBatch::default(), Sent::default());
    let add = |sum: &mut Sent, sent: Sent| {
        assert_eq!(sent.tried, sent.sent);
        sum.sent += sent.sent;
        sum.bytes += sent.bytes;
        sum.lost += sent.lost;
        sum.error = sent.error.or_else(|| sum.error.take());
    };
    for body in bodies {
        let datagram = Datagram::new(b"g", body.as_ref()).unwrap();
        if !sender.push(&mut batch, datagram) {
            sender.send(&mut batch).await;
            add(&mut sum, batch.finish());
            assert!(sender.push(&mut batch, datagram));
        }
    }
    sender.send(&mut batch).await;
    add(&mut sum, batch.finish());
    sum
}

async fn receive(receiver: &mut Receiver, count: usize) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    while datagrams.len() < count {
        let received =
            time::timeout(Duration::from_secs(30), receiver.recv()).await.unwrap().unwrap();
        datagrams.extend(received.datagrams().map(<[u8]>::to_vec));
    }
    datagrams
}
