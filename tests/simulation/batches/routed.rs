//! Batches and sinks of a SERVER, whose messages name clients that come and go.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use futures::SinkExt;
use tokio::task::JoinHandle;
use tokio::time;
use tokio_zmtp::{
    Client, Lossy, Message, RouteError, RoutingId, Server, TryRecvError, TryRouteError,
};

use super::{HEARTBEAT, Ledger, Outcome, messages_read, number, patience, within};
use crate::faults;
use crate::network::{Host, Network};
use crate::scenario::{run, seeds};

#[test]
fn every_message_for_a_named_client_is_delivered_handed_back_or_counted() {
    for seed in seeds() {
        run(seed, |network| exchange(network, seed));
    }
}

/// Programs with one server send to clients that are slow, during faults of the network, until the
/// server is closed.
async fn exchange(network: Network, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    network.set_latency(Duration::from_millis(1), Duration::from_millis(rng.u64(1..100)));
    let here = network.host();
    let server = Server::builder()
        .heartbeat_interval(HEARTBEAT)
        .send_hwm(rng.usize(1..20))
        .send_timeout(Duration::from_millis(rng.u64(..2_000)))
        .linger(if rng.bool() { None } else { Some(Duration::from_millis(rng.u64(..5_000))) })
        .build();
    here.listen(&server);
    let ledger = Ledger::default();
    let mut clients = Vec::new();
    for _ in 0..rng.u32(1..4) {
        clients.push(Receiver::start(network.host(), &here, &mut rng, &ledger).await);
    }
    let programs: Vec<_> = (0..rng.u32(1..4))
        .map(|name| tokio::spawn(Program::new(&server, name, &mut rng).run()))
        .collect();
    for _ in 0..rng.u32(..6) {
        faults::pause(&mut rng, 3_000).await;
        let client = &clients[rng.usize(..clients.len())];
        match rng.u8(..3) {
            0 => faults::disturb(&network, &here, &client.host, &mut rng).await,
            1 => network.reset(&here, &client.host),
            _ => {
                let remotes = server.remotes().list();
                if let Some(remote) = rng.choice(&remotes) {
                    server.remotes().disconnect(remote.connection_id());
                }
            }
        }
    }
    faults::pause(&mut rng, 5_000).await;
    let report = server.close().await;
    let outcome = Outcome::of_all(programs).await;
    outcome.check_sent(&network, &report, &server.stats());

    time::sleep(Duration::from_secs(60)).await;
    let mut received = 0;
    for client in clients {
        received += client.end().await;
    }
    outcome.check_received(&network, &report, received, &ledger);
}

struct Program {
    server: Server,
    name: u32,
    rng: Rng,
    numbers: [u32; 4],
    batch: VecDeque<Message>,
    sink: Server,
    lossy: Lossy<Server>,
    known: BTreeMap<u64, RoutingId>,
    outcome: Outcome,
    is_closed: bool,
}

impl Program {
    fn new(server: &Server, name: u32, rng: &mut Rng) -> Self {
        Self {
            server: server.clone(),
            name,
            rng: rng.fork(),
            numbers: [0; 4],
            batch: VecDeque::new(),
            sink: server.clone(),
            lossy: server.clone().lossy(),
            known: BTreeMap::new(),
            outcome: Outcome::default(),
            is_closed: false,
        }
    }

    async fn run(mut self) -> Outcome {
        while !self.is_closed {
            let remotes = self.server.remotes().list();
            for remote in remotes {
                let id = remote.routing_id().unwrap();
                self.known.insert(self.rng.u64(..4), id);
            }
            if self.known.is_empty() {
                time::sleep(Duration::from_millis(10)).await;
                self.is_closed = self.server.try_recv() == Err(TryRecvError::Closed);
                continue;
            }
            match self.rng.u8(..10) {
                0 => self.route().await,
                1 => self.try_route(),
                2 | 3 => self.route_many().await,
                4 => self.try_route_many(),
                5 => self.feed_sink().await,
                6 => self.flush_sink().await,
                7 => self.feed_lossy().await,
                8 => self.flush_lossy().await,
                _ => self.replace_sinks(),
            }
            if self.rng.u8(..3) == 0 {
                time::sleep(Duration::from_millis(self.rng.u64(..300))).await;
            }
        }
        for message in &self.batch {
            self.outcome.hand_back(message);
        }
        self.outcome.dropped += self.lossy.dropped();
        self.outcome
    }

    async fn route(&mut self) {
        let message = self.create(0);
        let limit = self.patience();
        let (id, server) = (message.routing_id().unwrap(), self.server.clone());
        match within(limit, server.route(id, message.clone())).await {
            Some(Ok(())) => {}
            Some(Err(error)) => self.failed(error),
            None => self.handed_back(&message),
        }
    }

    fn try_route(&mut self) {
        let message = self.create(0);
        match self.server.try_route(message.routing_id().unwrap(), message) {
            Ok(()) => {}
            Err(TryRouteError::Full(message) | TryRouteError::HostUnreachable(message)) => {
                self.handed_back(&message);
            }
            Err(TryRouteError::Closed(message)) => self.failed(RouteError::Closed(message)),
            Err(error) => panic!("{error}"),
        }
    }

    async fn route_many(&mut self) {
        self.extend_batch();
        let limit = self.patience();
        match within(limit, self.server.route_many(&mut self.batch)).await {
            Some(Ok(())) => assert!(self.batch.is_empty()),
            Some(Err(RouteError::Closed(()))) => self.is_closed = true,
            Some(Err(_)) => self.pass_over(),
            None => {}
        }
    }

    fn try_route_many(&mut self) {
        self.extend_batch();
        match self.server.try_route_many(&mut self.batch) {
            Ok(()) => assert!(self.batch.is_empty()),
            Err(TryRouteError::Closed(())) => self.is_closed = true,
            Err(_) => self.pass_over(),
        }
    }

    fn pass_over(&mut self) {
        let first = self.batch.pop_front().unwrap();
        self.handed_back(&first);
    }

    async fn feed_sink(&mut self) {
        for _ in 0..self.rng.u8(1..4) {
            let message = self.create(2);
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
        if let Some(Err(error)) = within(limit, self.sink.flush()).await {
            self.failed(error);
        }
    }

    async fn feed_lossy(&mut self) {
        for _ in 0..self.rng.u8(1..4) {
            let message = self.create(3);
            let limit = self.patience();
            match within(limit, self.lossy.feed(message.clone())).await {
                Some(Ok(())) => {}
                Some(Err(error)) => self.failed(error),
                None => self.handed_back(&message),
            }
        }
    }

    async fn flush_lossy(&mut self) {
        let limit = self.patience();
        if let Some(Err(error)) = within(limit, self.lossy.flush()).await {
            self.failed(error);
        }
    }

    fn replace_sinks(&mut self) {
        self.sink = self.server.clone();
        self.outcome.dropped += self.lossy.dropped();
        self.lossy = self.server.clone().lossy();
    }

    fn failed(&mut self, error: RouteError<Message>) {
        self.is_closed |= matches!(error, RouteError::Closed(_));
        let (RouteError::Closed(message)
        | RouteError::HostUnreachable(message)
        | RouteError::Timeout(message)) = error
        else {
            panic!("{error}")
        };
        self.handed_back(&message);
    }

    fn handed_back(&mut self, message: &Message) {
        self.outcome.hand_back(message);
    }

    fn extend_batch(&mut self) {
        for _ in 0..self.rng.u8(..12) {
            let message = self.create(1);
            self.batch.push_back(message);
        }
    }

    fn create(&mut self, way: u32) -> Message {
        let number = &mut self.numbers[way as usize];
        *number += 1;
        self.outcome.created += 1;
        let body = [(4 * self.name + way).to_be_bytes(), number.to_be_bytes()].concat();
        let ids: Vec<_> = self.known.values().copied().collect();
        Message::from(body).with_routing_id(*self.rng.choice(&ids).unwrap())
    }

    fn patience(&mut self) -> Option<Duration> {
        patience(&mut self.rng)
    }
}

struct Receiver {
    host: Host,
    client: Client,
    receiving: JoinHandle<u64>,
}

impl Receiver {
    async fn start(host: Host, there: &Host, rng: &mut Rng, ledger: &Ledger) -> Self {
        let mut rng = rng.fork();
        let client = Client::builder()
            .heartbeat_interval(HEARTBEAT)
            .connect_timeout(Duration::from_secs(2))
            .reconnect_interval(Duration::from_millis(100))
            .reconnect_interval_max(Duration::from_secs(2))
            .recv_hwm(rng.usize(1..20))
            .build();
        host.connect(&client, there).await;
        let (handle, ledger) = (client.clone(), ledger.clone());
        let receiving = tokio::spawn(async move {
            let mut count = 0;
            let mut last = BTreeMap::new();
            while let Ok(message) = handle.recv().await {
                let (name, number) = number(&message);
                count += 1;
                ledger.record((name, number));
                let last = last.insert(name, number);
                assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                time::sleep(Duration::from_millis(rng.u64(..50))).await;
            }
            count
        });
        Self { host, client, receiving }
    }

    async fn end(self) -> u64 {
        self.client.close().await;
        let count = self.receiving.await.unwrap();
        messages_read(count, &self.client.stats())
    }
}
