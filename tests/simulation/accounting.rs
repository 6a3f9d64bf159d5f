//! Requests and replies during random faults: each message arrives at most once, in the order of its
//! connection, and every message is accounted for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time;
use tokio_zmtp::stats::Stats;
use tokio_zmtp::{Client, ConnectionId, Message, Server};

use crate::faults;
use crate::network::{Host, Network};
use crate::scenario::{run, seeds};

#[test]
fn every_message_is_accounted_for_after_any_number_of_faults() {
    for seed in seeds() {
        run(seed, |network| exchange(network, seed));
    }
}

/// Clients send requests to a server during faults of the network and crashes of the server.
pub(crate) async fn exchange(network: Network, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    network.set_latency(Duration::from_millis(1), Duration::from_millis(rng.u64(1..100)));
    let requests = Ledger::default();
    let mut service = Service::start(network.host(), 0, &requests);
    let mut unread = 0;
    let mut clients = Vec::new();
    for name in 0..rng.u32(1..4) {
        clients.push(Caller::start(network.host(), &service.host, name, &mut rng).await);
    }

    for _ in 0..rng.u32(2..8) {
        faults::pause(&mut rng, 3_000).await;
        if rng.u8(..4) == 0 {
            let (next, dropped) = service.crash(&mut rng, &requests).await;
            (service, unread) = (next, unread + dropped);
        } else {
            let client = &clients[rng.usize(..clients.len())];
            faults::disturb(&network, &client.host, &service.host, &mut rng).await;
        }
    }
    for client in &mut clients {
        client.finish().await;
    }
    // Heartbeats have found all connections that are broken.
    time::sleep(Duration::from_secs(60)).await;
    for client in &mut clients {
        let begun = client.accepted;
        client.send(5).await;
        time::sleep(Duration::from_secs(10)).await;
        for number in begun..client.accepted {
            assert!(requests.contains(client.name, number), "{number} was lost without a fault");
        }
    }
    let mut written = 0;
    for client in clients {
        written += client.end(&requests).await;
    }
    service.server.close().await;
    unread += service.end().await;
    let received = requests.len() + unread;
    network.note(|| format!("{received} of {written} requests were received"));
    assert!(received <= written);
    assert!(received == written || network.has_lost(), "{received} of {written}");
}

/// A server on a host, until its crash.
struct Service {
    host: Host,
    life: u32,
    server: Server,
    receiving: JoinHandle<u64>,
}

impl Service {
    fn start(host: Host, life: u32, requests: &Ledger) -> Self {
        let server = Server::builder()
            .heartbeat_interval(HEARTBEAT)
            .recv_hwm(3)
            .linger(Duration::ZERO)
            .build();
        host.listen(&server);
        let (handle, requests) = (server.clone(), requests.clone());
        let receiving = tokio::spawn(async move {
            let mut received = 0;
            while let Ok((request, remote)) = handle.recv_from().await {
                received += 1;
                requests.record((life, remote.connection_id()), &request);
                // The reply has the number of the request. Its remote may have left.
                let _ = handle.try_reply(&request, request.clone());
            }
            received
        });
        Self { host, life, server, receiving }
    }

    /// Returns the next life, and the number of requests that were not received.
    async fn crash(self, rng: &mut Rng, requests: &Ledger) -> (Self, u64) {
        self.host.crash();
        let (host, life) = (self.host.clone(), self.life + 1);
        self.server.close().await;
        let unread = self.end().await;
        faults::pause(rng, 10_000).await;
        (Self::start(host.restart(), life, requests), unread)
    }

    /// Returns the number of requests that were read from connections, and not received.
    async fn end(self) -> u64 {
        let received = self.receiving.await.unwrap();
        let stats = self.server.stats();
        assert_eq!(received + stats.dropped.unread, stats.received.messages);
        stats.dropped.unread
    }
}

/// A client on a host of its own.
struct Caller {
    host: Host,
    name: u32,
    client: Client,
    accepted: u32,
    rng: Rng,
    sending: JoinSet<u32>,
    receiving: JoinHandle<(Ledger, u64)>,
}

impl Caller {
    async fn start(host: Host, server: &Host, name: u32, rng: &mut Rng) -> Self {
        let mut rng = rng.fork();
        let client = Client::builder()
            .heartbeat_interval(HEARTBEAT)
            .connect_timeout(Duration::from_secs(2))
            .reconnect_interval(Duration::from_millis(100))
            .reconnect_interval_max(Duration::from_secs(2))
            .send_hwm(rng.usize(1..20))
            .recv_hwm(rng.usize(1..20))
            .linger(None)
            .build();
        host.connect(&client, server).await;
        let handle = client.clone();
        let receiving = tokio::spawn(async move {
            let (replies, mut received) = (Ledger::default(), 0);
            while let Ok((reply, remote)) = handle.recv_from().await {
                received += 1;
                replies.record((0, remote.connection_id()), &reply);
            }
            (replies, received)
        });
        let mut sending = JoinSet::new();
        let (handle, mut random, count) = (client.clone(), rng.fork(), rng.u32(10..100));
        sending.spawn(async move {
            for number in 0..count {
                handle.send(request(name, number, &mut random)).await.unwrap();
                faults::pause(&mut random, 500).await;
            }
            count
        });
        Self { host, name, client, accepted: 0, rng, sending, receiving }
    }

    /// Waits until all messages are accepted.
    async fn finish(&mut self) {
        self.accepted = self.sending.join_next().await.unwrap().unwrap();
    }

    async fn send(&mut self, count: u32) {
        for _ in 0..count {
            let request = request(self.name, self.accepted, &mut self.rng);
            self.client.send(request).await.unwrap();
            self.accepted += 1;
        }
    }

    /// Returns the number of messages that were written.
    async fn end(self, requests: &Ledger) -> u64 {
        let report = self.client.close().await;
        assert_eq!(report.written + report.undelivered, u64::from(self.accepted), "{report:?}");
        let Stats { sent, dropped, received, queued, .. } = self.client.stats();
        assert_eq!((sent.messages, queued.outgoing), (report.written, 0));
        // A message is refused if the server has ended two connections while it was written.
        assert_eq!(dropped.undelivered + dropped.refused, report.undelivered);
        let (replies, count) = self.receiving.await.unwrap();
        assert_eq!(count + dropped.unread, received.messages);
        // A reply was sent to each connection in the order of its requests.
        replies.check_replies(self.name, requests);
        sent.messages
    }
}

/// The messages that were received, by connection, and the names and numbers of all.
#[derive(Clone, Debug, Default)]
struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    connections: BTreeMap<Connection, Vec<(u32, u32)>>,
    all: BTreeSet<(u32, u32)>,
    /// The last number of each name.
    last: BTreeMap<u32, u32>,
}

/// A connection of one life of a server.
type Connection = (u32, ConnectionId);

impl Ledger {
    fn record(&self, connection: Connection, message: &Message) {
        let (name, number) = numbers(message);
        let mut entries = self.0.lock().unwrap();
        let entries = &mut *entries;
        assert!(entries.all.insert((name, number)), "{name}: {number} was received twice");
        let last = entries.last.insert(name, number);
        assert!(last.is_none_or(|last| last < number), "{name}: {number} after {last:?}");
        let received = entries.connections.entry(connection).or_default();
        received.push((name, number));
    }

    /// A connection carries the messages of one client, without a gap.
    fn check_gaps(&self) {
        for received in self.0.lock().unwrap().connections.values() {
            for pair in received.windows(2) {
                assert_eq!((pair[0].0, pair[0].1 + 1), pair[1], "{received:?}");
            }
        }
    }

    fn check_replies(&self, name: u32, requests: &Self) {
        requests.check_gaps();
        for reply in &self.0.lock().unwrap().all {
            assert_eq!(reply.0, name);
            assert!(requests.contains(name, reply.1), "a reply without a request");
        }
    }

    fn contains(&self, name: u32, number: u32) -> bool {
        self.0.lock().unwrap().all.contains(&(name, number))
    }

    fn len(&self) -> u64 {
        self.0.lock().unwrap().all.len() as u64
    }
}

/// Returns a message with a name, a number and padding.
fn request(name: u32, number: u32, rng: &mut Rng) -> Vec<u8> {
    let mut request = [name.to_be_bytes(), number.to_be_bytes()].concat();
    let len = if rng.u8(..10) == 0 { rng.usize(..100_000) } else { rng.usize(..100) };
    request.resize(request.len() + len, 7);
    request
}

fn numbers(message: &[u8]) -> (u32, u32) {
    let [name, number] = [0, 4].map(|at| message[at..at + 4].try_into().unwrap());
    (u32::from_be_bytes(name), u32::from_be_bytes(number))
}

const HEARTBEAT: Duration = Duration::from_secs(1);
