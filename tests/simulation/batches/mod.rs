//! Batches and sinks during random faults: each message is delivered once, handed back, or counted,
//! and each sink sends in order.

mod published;
mod routed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use futures::{FutureExt, SinkExt};
use tokio::task::JoinHandle;
use tokio::time;
use tokio_zmtp::stats::Stats;
use tokio_zmtp::{Batched, CloseReport, Gather, Message, Scatter, SendError, TrySendError};

use crate::faults;
use crate::network::{Host, Network};
use crate::scenario::{run, seeds};

#[test]
fn every_message_of_a_batch_is_delivered_handed_back_or_counted() {
    for seed in seeds() {
        run(seed, |network| exchange(network, seed));
    }
}

/// Programs with one socket send to receivers that are slow, during faults of the network, until
/// the socket is closed.
async fn exchange(network: Network, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    network.set_latency(Duration::from_millis(1), Duration::from_millis(rng.u64(1..100)));
    let here = network.host();
    let socket = Scatter::builder()
        .heartbeat_interval(HEARTBEAT)
        .connect_timeout(Duration::from_secs(2))
        .reconnect_interval(Duration::from_millis(100))
        .reconnect_interval_max(Duration::from_secs(2))
        .immediate(rng.bool())
        .send_hwm(rng.usize(1..20))
        .linger(if rng.bool() { None } else { Some(Duration::from_millis(rng.u64(..5_000))) })
        .build();
    let ledger = Ledger::default();
    let accepts = rng.bool();
    if accepts {
        here.listen(&socket);
    }
    let mut receivers = Vec::new();
    for _ in 0..rng.u32(1..4) {
        let receiver = Receiver::start(network.host(), &mut rng, &ledger, accepts);
        if accepts {
            receiver.host.connect(&receiver.socket, &here).await;
        } else {
            receiver.host.listen(&receiver.socket);
            here.connect(&socket, &receiver.host).await;
        }
        receivers.push(receiver);
    }
    let programs: Vec<_> = (0..rng.u32(1..4))
        .map(|name| tokio::spawn(Program::new(&socket, name, &mut rng).run()))
        .collect();

    for _ in 0..rng.u32(..5) {
        faults::pause(&mut rng, 3_000).await;
        let receiver = &receivers[rng.usize(..receivers.len())];
        faults::disturb(&network, &here, &receiver.host, &mut rng).await;
    }
    faults::pause(&mut rng, 5_000).await;
    let report = socket.close().await;
    let outcome = Outcome::of_all(programs).await;
    let lost = outcome.check_sent(&network, &report, &socket.stats());
    assert!(report.undelivered <= lost);

    // What was written arrives, or the connection ends.
    time::sleep(Duration::from_secs(60)).await;
    let mut received = 0;
    for receiver in receivers {
        received += receiver.end().await;
    }
    outcome.check_received(&network, &report, received, &ledger);
}

/// Sends numbered messages in every way, until the socket is closed. Futures that wait are dropped at
/// random times.
struct Program {
    socket: Scatter,
    name: u32,
    rng: Rng,
    numbers: [u32; 4],
    batch: VecDeque<Message>,
    batched: Batched<Scatter>,
    sink: Scatter,
    outcome: Outcome,
    is_closed: bool,
}

/// What programs have done.
#[derive(Debug, Default)]
struct Outcome {
    created: u64,
    /// The messages that the socket has handed back.
    returned: BTreeSet<(u32, u32)>,
    /// The number of messages that lossy sinks have dropped.
    dropped: u64,
}

impl Outcome {
    /// Adds up the outcomes of all programs of a socket.
    async fn of_all(programs: Vec<JoinHandle<Self>>) -> Self {
        let mut sum = Self::default();
        for program in programs {
            let Self { created, returned, dropped } = program.await.unwrap();
            sum.created += created;
            sum.returned.extend(returned);
            sum.dropped += dropped;
        }
        sum
    }

    fn hand_back(&mut self, message: &[u8]) {
        assert!(self.returned.insert(number(message)), "handed back twice");
    }

    /// Checks that each message that a closed socket has accepted is written or counted. Returns the
    /// number of those that are not written.
    fn check_sent(&self, network: &Network, report: &CloseReport, stats: &Stats) -> u64 {
        let accepted = self.created - self.returned.len() as u64;
        network.note(|| format!("{accepted} accepted, {report:?}, {stats:?}"));
        assert_eq!(stats.sent.messages, report.written);
        assert_eq!((stats.queued.outgoing, stats.queued.returned), (0, 0));
        let lost = stats.dropped.undelivered + stats.dropped.refused;
        assert_eq!(report.written + lost, accepted, "{stats:?}");
        assert!(self.dropped <= lost);
        lost
    }

    /// Checks that each written message has arrived, unless the network has lost some.
    fn check_received(
        &self,
        network: &Network,
        report: &CloseReport,
        received: u64,
        ledger: &Ledger,
    ) {
        assert!(received <= report.written);
        assert!(received == report.written || network.has_lost(), "{received} of {report:?}");
        for message in &*ledger.0.lock().unwrap() {
            assert!(!self.returned.contains(message), "{message:?} was handed back and received");
        }
    }
}

impl Program {
    fn new(socket: &Scatter, name: u32, rng: &mut Rng) -> Self {
        let mut rng = rng.fork();
        Self {
            name,
            numbers: [0; 4],
            batch: VecDeque::new(),
            batched: socket.clone().batched(rng.usize(..12)),
            sink: socket.clone(),
            socket: socket.clone(),
            outcome: Outcome::default(),
            is_closed: false,
            rng,
        }
    }

    async fn run(mut self) -> Outcome {
        while !self.is_closed {
            match self.rng.u8(..12) {
                0 => self.send().await,
                1 => self.try_send(),
                2 | 3 => self.send_many().await,
                4 => self.try_send_many(),
                5 | 6 => self.feed_batched().await,
                7 => self.flush_batched().await,
                8 => self.replace_batched(),
                9 => self.feed_sink().await,
                10 => self.flush_sink().await,
                _ => self.sink = self.socket.clone(),
            }
            if self.rng.u8(..3) == 0 {
                time::sleep(Duration::from_millis(self.rng.u64(..300))).await;
            }
        }
        for message in &self.batch {
            self.outcome.hand_back(message);
        }
        self.outcome
    }

    async fn send(&mut self) {
        let message = self.create(DIRECT);
        let (limit, socket) = (self.patience(), self.socket.clone());
        let sent = within(limit, socket.send(message.clone())).await;
        match sent {
            Some(Ok(())) => {}
            Some(Err(error)) => self.failed(error),
            None => self.handed_back(&message),
        }
    }

    fn try_send(&mut self) {
        let message = self.create(DIRECT);
        match self.socket.try_send(message) {
            Ok(()) => {}
            Err(TrySendError::Full(message)) => self.handed_back(&message),
            Err(TrySendError::Closed(message)) => self.failed(SendError::Closed(message)),
            Err(error) => panic!("{error}"),
        }
    }

    async fn send_many(&mut self) {
        self.extend_batch();
        let limit = self.patience();
        match within(limit, self.socket.send_many(&mut self.batch)).await {
            Some(Ok(())) => assert!(self.batch.is_empty()),
            Some(Err(error)) => {
                assert_eq!(error, SendError::Closed(()));
                assert!(!self.batch.is_empty());
                self.is_closed = true;
            }
            None => {}
        }
    }

    fn try_send_many(&mut self) {
        self.extend_batch();
        match self.socket.try_send_many(&mut self.batch) {
            Ok(()) => assert!(self.batch.is_empty()),
            Err(TrySendError::Full(())) => assert!(!self.batch.is_empty()),
            Err(TrySendError::Closed(())) => self.is_closed = true,
            Err(error) => panic!("{error}"),
        }
    }

    async fn feed_batched(&mut self) {
        for _ in 0..self.rng.u8(1..8) {
            let message = self.create(BATCHED);
            let limit = self.patience();
            match within(limit, self.batched.feed(message.clone())).await {
                Some(Ok(())) => {}
                Some(Err(error)) => self.failed(error),
                None => self.handed_back(&message),
            }
        }
    }

    async fn flush_batched(&mut self) {
        let limit = self.patience();
        if let Some(Err(error)) = within(limit, SinkExt::<Message>::flush(&mut self.batched)).await
        {
            self.failed(error);
        }
    }

    /// Drops the batched sink, or takes its messages out.
    fn replace_batched(&mut self) {
        let batched = self.socket.clone().batched(self.rng.usize(..12));
        let earlier = mem::replace(&mut self.batched, batched);
        if self.rng.bool() {
            let (_, unsent) = earlier.into_inner();
            for message in &unsent {
                self.handed_back(message);
            }
        }
    }

    async fn feed_sink(&mut self) {
        for _ in 0..self.rng.u8(1..4) {
            let message = self.create(SINK);
            let limit = self.patience();
            match within(limit, self.sink.feed(message.clone())).await {
                Some(Ok(())) => {}
                Some(Err(error)) => self.failed(error),
                None => self.handed_back(&message),
            }
        }
    }

    async fn flush_sink(&mut self) {
        let limit = self.patience();
        if let Some(Err(error)) = within(limit, SinkExt::<Message>::flush(&mut self.sink)).await {
            self.failed(error);
        }
    }

    fn failed(&mut self, error: SendError<Message>) {
        let SendError::Closed(message) = error else { panic!("{error}") };
        self.handed_back(&message);
        self.is_closed = true;
    }

    fn handed_back(&mut self, message: &Message) {
        self.outcome.hand_back(message);
    }

    fn extend_batch(&mut self) {
        for _ in 0..self.rng.u8(..12) {
            let message = self.create(BATCH);
            self.batch.push_back(message);
        }
    }

    fn create(&mut self, way: u32) -> Message {
        let number = &mut self.numbers[way as usize];
        *number += 1;
        self.outcome.created += 1;
        let name = 4 * self.name + way;
        let mut body = [name.to_be_bytes(), number.to_be_bytes()].concat();
        let len =
            if self.rng.u8(..20) == 0 { self.rng.usize(..100_000) } else { self.rng.usize(..100) };
        body.resize(body.len() + len, 7);
        body.into()
    }

    fn patience(&mut self) -> Option<Duration> {
        patience(&mut self.rng)
    }
}

/// Returns how long a program waits for a future; `None` if it is polled only once.
fn patience(rng: &mut Rng) -> Option<Duration> {
    (rng.u8(..4) > 0).then(|| Duration::from_millis(rng.u64(..500)))
}

/// Polls a future once, or until a time limit.
async fn within<T>(limit: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => time::timeout(limit, future).await.ok(),
        None => future.now_or_never(),
    }
}

/// A receiver on a host of its own, which is slow.
struct Receiver {
    host: Host,
    socket: Gather,
    receiving: JoinHandle<u64>,
}

impl Receiver {
    /// A receiver that accepts has a pipe for each connection, and receives from them in turn: with
    /// one pipe, the messages of each way arrive in order.
    fn start(host: Host, rng: &mut Rng, ledger: &Ledger, has_one_pipe: bool) -> Self {
        let mut rng = rng.fork();
        let socket = Gather::builder()
            .heartbeat_interval(HEARTBEAT)
            .connect_timeout(Duration::from_secs(2))
            .reconnect_interval(Duration::from_millis(100))
            .reconnect_interval_max(Duration::from_secs(2))
            .recv_hwm(rng.usize(1..20))
            .build();
        let (handle, ledger) = (socket.clone(), ledger.clone());
        let receiving = tokio::spawn(async move {
            let mut count = 0;
            let mut messages = Vec::new();
            let mut last = BTreeMap::new();
            loop {
                let limit = rng.bool().then(|| Duration::from_millis(rng.u64(..100)));
                let most = rng.usize(1..9);
                let received = match limit {
                    Some(limit) => {
                        time::timeout(limit, handle.recv_many(&mut messages, most)).await.ok()
                    }
                    None => Some(handle.recv_many(&mut messages, most).await),
                };
                match received {
                    Some(Ok(received)) => assert_eq!(received, messages.len()),
                    Some(Err(_)) => break,
                    None => assert!(messages.is_empty()),
                }
                for message in messages.drain(..) {
                    let (name, number) = number(&message);
                    count += 1;
                    ledger.record((name, number));
                    let last = last.insert(name, number).filter(|_| has_one_pipe);
                    assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                }
                time::sleep(Duration::from_millis(rng.u64(..50))).await;
            }
            count
        });
        Self { host, socket, receiving }
    }

    /// Returns the number of messages that were read from connections.
    async fn end(self) -> u64 {
        self.socket.close().await;
        let count = self.receiving.await.unwrap();
        messages_read(count, &self.socket.stats())
    }
}

/// Returns the number of messages that a closed socket has read from connections, after the
/// application has received this many.
fn messages_read(received: u64, stats: &Stats) -> u64 {
    assert_eq!(received + stats.dropped.unread, stats.received.messages);
    stats.received.messages
}

/// The names and numbers of the messages that were received.
#[derive(Clone, Debug, Default)]
struct Ledger(Arc<Mutex<BTreeSet<(u32, u32)>>>);

impl Ledger {
    fn record(&self, message: (u32, u32)) {
        assert!(self.0.lock().unwrap().insert(message), "{message:?} was received twice");
    }
}

fn number(message: &[u8]) -> (u32, u32) {
    let [name, number] = [0, 4].map(|at| message[at..at + 4].try_into().unwrap());
    (u32::from_be_bytes(name), u32::from_be_bytes(number))
}

/// The ways in which messages are sent.
const DIRECT: u32 = 0;
const BATCH: u32 = 1;
const BATCHED: u32 = 2;
const SINK: u32 = 3;

const HEARTBEAT: Duration = Duration::from_secs(1);
