//! The statistics that sockets publish through the `metrics` facade.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tokio::{task, time};
use tokio_zmtp::metrics::Publisher;
use tokio_zmtp::{Client, Dish, Gather, Group, Peer, Radio, Scatter, Server};

use crate::remote::{self, GREETING, MORE, Remote, ReservedPort};
use crate::transports::{Transport, own_loopback};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn every_metric_has_a_name_a_unit_and_the_labels_of_its_socket() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await.unwrap();
    let client = Client::new();
    client.connect(&endpoint).await.unwrap();
    let mut gather = Remote::dial(&endpoint).await;
    gather.write(&[&GREETING[..], &remote::ready("GATHER")].concat()).await;
    let publisher = Publisher::new();
    publisher.add("front", &server);
    publisher.add("back", &client);
    client.send("hello").await.unwrap();
    let hello = server.recv().await.unwrap();
    server.reply(&hello, "hi").await.unwrap();
    client.recv().await.unwrap();
    client.send("not received").await.unwrap();
    while server.stats().queued.incoming == 0 || server.stats().refused.incompatible == 0 {
        task::yield_now().await;
    }
    publisher.publish();

    let shown = exporter.scrape();
    let expected = [
        ("zmtp_connected_remotes{socket=front,socket_type=SERVER}", 1.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=lost}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=malformed_reply}", 0.0),
        (
            "zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=malformed_request}",
            0.0,
        ),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=malformed}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=missed}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=multipart}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=overflowed}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=refused}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=replaced}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=stray_reply}", 0.0),
        (
            "zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=unanswered_request}",
            0.0,
        ),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=undelivered}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=unread}", 0.0),
        ("zmtp_dropped_messages_total{socket=front,socket_type=SERVER,cause=unroutable}", 0.0),
        ("zmtp_ended_bytes{socket=front,socket_type=SERVER}", 0.0),
        ("zmtp_ended_messages{socket=front,socket_type=SERVER}", 0.0),
        ("zmtp_ended_remotes{socket=front,socket_type=SERVER}", 0.0),
        ("zmtp_queued_messages{socket=front,socket_type=SERVER,direction=incoming}", 1.0),
        ("zmtp_queued_messages{socket=front,socket_type=SERVER,direction=outgoing}", 0.0),
        ("zmtp_queued_messages{socket=front,socket_type=SERVER,direction=returned}", 0.0),
        ("zmtp_received_bytes_total{socket=front,socket_type=SERVER}", 7.0 + 14.0),
        ("zmtp_received_messages_total{socket=front,socket_type=SERVER}", 2.0),
        ("zmtp_reconnects_total{socket=front,socket_type=SERVER}", 0.0),
        ("zmtp_redirected_messages_total{socket=front,socket_type=SERVER}", 0.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=denied}", 0.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=identity}", 0.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=incompatible}", 1.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=occupied}", 0.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=security}", 0.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=too_many_groups}", 0.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=too_many_topics}", 0.0),
        ("zmtp_refused_remotes_total{socket=front,socket_type=SERVER,cause=too_slow}", 0.0),
        ("zmtp_returned_messages_total{socket=front,socket_type=SERVER}", 0.0),
        ("zmtp_sent_bytes_total{socket=front,socket_type=SERVER}", 4.0),
        ("zmtp_sent_messages_total{socket=front,socket_type=SERVER}", 1.0),
    ];
    let of_server = shown.iter().filter(|(series, _)| series.contains("socket=front"));
    let of_server: Vec<_> = of_server.map(|(series, value)| (&**series, *value)).collect();
    assert_eq!(of_server, expected);
    assert_eq!(shown["zmtp_sent_messages_total{socket=back,socket_type=CLIENT}"], 2.0);
    assert_eq!(shown.len(), 2 * expected.len());

    for (name, unit) in exporter.units() {
        let expected = if name.contains("_bytes") { Unit::Bytes } else { Unit::Count };
        assert_eq!(unit, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_peer_is_labeled_by_its_type() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let (alice, bob) = (Peer::new(), Peer::new());
    let endpoint = alice.bind("tcp://127.0.0.1:*").await.unwrap();
    let to_alice = bob.connect_peer(endpoint).await.unwrap();
    let publisher = Publisher::new();
    publisher.add("mesh", &alice);
    publisher.add("mesh", &bob);
    bob.route(to_alice, "hello").await.unwrap();
    alice.recv().await.unwrap();
    publisher.publish();

    let shown = exporter.scrape();
    assert_eq!(shown["zmtp_sent_messages_total{socket=mesh,socket_type=PEER}"], 1.0);
    assert_eq!(shown["zmtp_received_bytes_total{socket=mesh,socket_type=PEER}"], 7.0);
    assert_eq!(shown["zmtp_connected_remotes{socket=mesh,socket_type=PEER}"], 2.0);
}

#[tokio::test]
async fn a_socket_that_only_sends_or_only_receives_has_every_metric() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let gather = Gather::new();
    let endpoint = gather.bind("tcp://127.0.0.1:*").await.unwrap();
    let scatter = Scatter::builder().connect(endpoint).await.unwrap();
    let publisher = Publisher::new();
    publisher.add("source", &scatter);
    publisher.add("sink", &gather);
    scatter.send("task").await.unwrap();
    gather.recv().await.unwrap();
    publisher.publish();

    let shown = exporter.scrape();
    for (socket, sent, received) in
        [("source,socket_type=SCATTER", 1.0, 0.0), ("sink,socket_type=GATHER", 0.0, 1.0)]
    {
        let labels = format!("{{socket={socket}}}");
        assert_eq!(shown[&format!("zmtp_sent_messages_total{labels}")], sent);
        assert_eq!(shown[&format!("zmtp_received_messages_total{labels}")], received);
        assert_eq!(shown[&format!("zmtp_connected_remotes{labels}")], 1.0);
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn messages_of_groups_are_counted_by_the_cause_of_their_loss() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let [full, any] = ["full", "any"].map(|name| name.parse::<Group>().unwrap());
    let radio = Radio::builder().send_hwm(1).build();
    let inproc = radio.bind(Transport::Inproc.any()).await.unwrap();
    let unread = Dish::builder().recv_hwm(1).join(&full).connect(&inproc).await.unwrap();
    while radio.members(&full).is_empty() {
        task::yield_now().await;
    }
    for _ in 0..2 + 3 {
        radio.send(&full, "two fit the queues").await.unwrap();
    }
    // It is connected to itself, so its port refuses the datagrams of others. The system reports
    // this to the next send.
    let refusing = UdpSocket::bind((own_loopback(), 0)).unwrap();
    let address = refusing.local_addr().unwrap();
    refusing.connect(address).unwrap();
    radio.connect(format!("udp://{address}")).await.unwrap();
    for number in 1..=2 {
        radio.send(&any, "refused").await.unwrap();
        while radio.stats().sent.messages < 1 + number {
            task::yield_now().await;
        }
    }
    let dish = Dish::builder().recv_hwm(4).join(&any).build();
    let udp = dish.bind("udp://127.0.0.1:*").await.unwrap();
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    remote.connect(udp.to_string().strip_prefix("udp://").unwrap()).unwrap();
    for datagram in [&b"\x03anyfour fit"[..]; 4 + 5] {
        remote.send(datagram).unwrap();
    }
    for datagram in [b"\xFFno group"; 2] {
        remote.send(datagram).unwrap();
    }
    while radio.stats().dropped.datagrams.lost == 0 || dish.stats().dropped.datagrams.malformed < 2
    {
        task::yield_now().await;
    }
    let publisher = Publisher::new();
    publisher.add("groups", &radio);
    publisher.add("groups", &dish);
    publisher.publish();

    let shown = exporter.scrape();
    for (cause, of_radio, of_dish) in [
        ("missed", 3.0, 0.0),
        ("lost", 1.0, 0.0),
        ("overflowed", 0.0, 5.0),
        ("malformed", 0.0, 2.0),
    ] {
        for (socket_type, expected) in [("RADIO", of_radio), ("DISH", of_dish)] {
            let labels = format!("{{socket=groups,socket_type={socket_type},cause={cause}}}");
            let series = format!("zmtp_dropped_messages_total{labels}");
            assert_eq!(shown[&series], expected, "{series}");
        }
    }
    drop(unread);
}

#[tokio::test]
async fn everything_until_the_end_of_a_socket_is_counted() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let publisher = Publisher::new();
    for round in 1..=3 {
        let server = Server::builder().linger(Duration::ZERO).bind("tcp://127.0.0.1:*");
        let server = server.await.unwrap();
        publisher.add("front", &server);
        let (mut remote, id) = Remote::known_to(&server).await;
        remote.write(&[MORE, 1, b'x', 0, 1, b'y']).await;
        remote.sync().await;
        server.route(id, vec![0; remote::LONGER_THAN_BUFFERS]).await.unwrap();
        publisher.publish();
        // The socket then loses a message, and ends.
        server.close().await;
        drop(server);
        remote.read_to_end().await;
        publisher.publish();

        let shown = exporter.scrape();
        let total = |series: &str| shown[&format!("zmtp_{series}")];
        let round = f64::from(round);
        assert_eq!(total("received_messages_total{socket=front,socket_type=SERVER}"), round);
        for cause in ["multipart", "undelivered"] {
            let labels = format!("{{socket=front,socket_type=SERVER,cause={cause}}}");
            assert_eq!(total(&format!("dropped_messages_total{labels}")), round, "{cause}");
        }
        assert_eq!(total("connected_remotes{socket=front,socket_type=SERVER}"), 0.0);
    }
}

#[tokio::test]
async fn statistics_of_sockets_with_the_same_name_and_type_are_added() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let publisher = Publisher::new();
    let unbound = ReservedPort::reserve();
    let mut clients = Vec::new();
    for queued in [2, 3] {
        let client = Client::new();
        client.connect(unbound.endpoint()).await.unwrap();
        publisher.add("workers", &client);
        for _ in 0..queued {
            client.try_send("x").unwrap();
        }
        clients.push(client);
    }
    let queued = "zmtp_queued_messages{socket=workers,socket_type=CLIENT,direction=outgoing}";
    publisher.publish();
    assert_eq!(exporter.scrape()[queued], 5.0);
    clients.pop().unwrap().set_linger(Duration::ZERO);
    clients[0].set_linger(Duration::ZERO);
    clients[0].close().await;
    drop(clients);
    let undelivered =
        "zmtp_dropped_messages_total{socket=workers,socket_type=CLIENT,cause=undelivered}";
    // The other socket ends in the background, because its last handle was dropped.
    loop {
        publisher.publish();
        let shown = exporter.scrape();
        if shown[undelivered] == 5.0 {
            assert_eq!(shown[queued], 0.0);
            break;
        }
        task::yield_now().await;
    }
}

#[tokio::test]
async fn a_recorder_that_is_installed_late_misses_nothing() {
    let _watchdog = Watchdog::start();
    let server = Server::new();
    server.bind("tcp://127.0.0.1:*").await.unwrap();
    let publisher = Publisher::new();
    publisher.add("front", &server);
    let (mut remote, _) = Remote::known_to(&server).await;
    publisher.publish();
    let exporter = Exporter::install();
    remote.write(&remote::message(b"another")).await;
    remote.sync().await;
    publisher.publish();
    let received = "zmtp_received_messages_total{socket=front,socket_type=SERVER}";
    assert_eq!(exporter.scrape()[received], 2.0);
}

#[tokio::test(start_paused = true)]
async fn metrics_are_published_at_the_given_interval() {
    let _watchdog = Watchdog::start();
    let exporter = Exporter::install();
    let publisher = Publisher::new();
    let running = task::spawn(publisher.clone().run(Duration::from_secs(10)));
    time::sleep(Duration::from_secs(1)).await;
    let client = Client::builder().build();
    publisher.add("late", &client);
    time::sleep(Duration::from_secs(8)).await;
    assert!(exporter.scrape().is_empty());
    time::sleep(Duration::from_secs(2)).await;
    assert!(!exporter.scrape().is_empty());
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn metrics_are_published_at_any_interval() {
    let _watchdog = Watchdog::start();
    for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let exporter = Exporter::install();
        let publisher = Publisher::new();
        publisher.add("socket", &Client::builder().build());
        let running = task::spawn(publisher.run(interval));
        time::sleep(Duration::from_secs(1)).await;
        assert!(!exporter.scrape().is_empty());
        assert!(!running.is_finished());
        running.abort();
    }
}

#[tokio::test]
async fn publishing_does_not_keep_a_socket_alive() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().build();
    let mut monitor = client.monitor();
    let publisher = Publisher::new();
    publisher.add("idle", &client);
    drop(client);
    assert!(monitor.recv().await.is_none());
}

#[tokio::test]
async fn a_recorder_may_add_a_socket() {
    let _watchdog = Watchdog::start();
    let client = Client::builder().build();
    let publisher = Publisher::new();
    publisher.add("front", &client);
    let recorder = Adding { publisher: publisher.clone(), client };
    metrics::with_local_recorder(&recorder, || publisher.publish());
}

/// A recorder that adds a socket to the publisher for every counter.
struct Adding {
    publisher: Publisher,
    client: Client,
}

impl Recorder for Adding {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        self.publisher.add("added", &self.client);
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// A recorder for the metrics of one test.
pub(crate) struct Exporter {
    snapshotter: Snapshotter,
    _guard: metrics::LocalRecorderGuard<'static>,
}

impl Exporter {
    pub(crate) fn install() -> Self {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let recorder = Box::leak(Box::new(recorder));
        Self { snapshotter, _guard: metrics::set_default_local_recorder(recorder) }
    }

    pub(crate) fn scrape(&self) -> BTreeMap<String, f64> {
        let snapshot = self.snapshotter.snapshot().into_vec().into_iter();
        let shown = snapshot.map(|(key, _, _, value)| {
            let key = key.key();
            let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
            let series = format!("{}{{{}}}", key.name(), labels.collect::<Vec<_>>().join(","));
            let value = match value {
                DebugValue::Counter(value) => value as f64,
                DebugValue::Gauge(value) => value.into_inner(),
                DebugValue::Histogram(_) => panic!("{series}"),
            };
            (series, value)
        });
        shown.collect()
    }

    pub(crate) fn units(&self) -> BTreeMap<String, Option<Unit>> {
        let snapshot = self.snapshotter.snapshot().into_vec().into_iter();
        snapshot.map(|(key, unit, ..)| (key.key().name().to_owned(), unit)).collect()
    }
}
