//! The simulated network: its hosts, and its faults.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};
use tokio_zmtp::{Dialer, Endpoint, RemoteStream, Socket};

use crate::stream::{Connection, SimulatedStream};

/// Hosts that exchange streams like those of TCP: bytes of one connection arrive in order, after a
/// random delay, and wait while the network is cut. Connections do not wait for one another.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    state: Arc<Mutex<State>>,
    /// Notifies dialers of every repair, restart and crash.
    changed: Arc<Notify>,
}

#[derive(Debug)]
pub(crate) struct State {
    rng: Rng,
    begun: Instant,
    hosts: Vec<HostState>,
    /// The directions in which nothing passes.
    cuts: BTreeSet<Direction>,
    latency: (Duration, Duration),
    pub(crate) connections: BTreeMap<u64, Connection>,
    opened: u64,
    /// Whether bytes were lost that a stream had accepted.
    pub(crate) has_lost: bool,
    trace: Vec<String>,
}

/// The index of a host.
pub(crate) type HostId = usize;

/// The hosts from which and to which bytes pass.
pub(crate) type Direction = (HostId, HostId);

#[derive(Debug, Default)]
struct HostState {
    /// The number of crashes. Programs of earlier lives have no network.
    lives: u32,
    is_down: bool,
    listener: Option<mpsc::UnboundedSender<SimulatedStream>>,
}

/// A host during one life: until its next crash.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    network: Network,
    id: HostId,
    life: u32,
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        let state = State {
            rng: Rng::with_seed(seed),
            begun: Instant::now(),
            hosts: Vec::new(),
            cuts: BTreeSet::new(),
            latency: (Duration::from_millis(1), Duration::from_millis(1)),
            connections: BTreeMap::new(),
            opened: 0,
            has_lost: false,
            trace: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default() }
    }

    pub(crate) fn host(&self) -> Host {
        let mut state = self.state();
        state.hosts.push(HostState::default());
        Host { network: self.clone(), id: state.hosts.len() - 1, life: 0 }
    }

    /// Sets the delays of segments in one direction, which are random between `min` and `max`.
    pub(crate) fn set_latency(&self, min: Duration, max: Duration) {
        self.state().latency = (min, max);
    }

    /// Cuts the network between two hosts: bytes and attempts to connect wait for the repair.
    pub(crate) fn cut(&self, one: &Host, other: &Host) {
        self.cut_one_way(one, other);
        self.cut_one_way(other, one);
    }

    /// Cuts one direction. Bytes pass in the other, but without acknowledgments.
    pub(crate) fn cut_one_way(&self, from: &Host, to: &Host) {
        let mut state = self.state();
        state.cuts.insert((from.id, to.id));
        state.note(|| format!("cut {} > {}", from.id, to.id));
    }

    pub(crate) fn repair(&self, one: &Host, other: &Host) {
        let mut state = self.state();
        state.note(|| format!("repaired {} - {}", one.id, other.id));
        state.cuts.remove(&(one.id, other.id));
        state.cuts.remove(&(other.id, one.id));
        state.resume();
        self.changed.notify_waiters();
    }

    /// Resets all connections between two hosts. The bytes in transit are lost.
    pub(crate) fn reset(&self, one: &Host, other: &Host) {
        let mut state = self.state();
        state.note(|| format!("reset {} - {}", one.id, other.id));
        for connection in state.connections.values_mut() {
            if connection.joins(one.id, other.id) {
                connection.reset();
            }
        }
    }

    /// Returns whether a stream that has ended had accepted bytes that were lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.state().has_lost
    }

    /// Returns all that has happened, and when.
    pub(crate) fn trace(&self) -> Vec<String> {
        self.state().trace.clone()
    }

    /// Adds an occurrence to the trace.
    pub(crate) fn note(&self, occurrence: impl FnOnce() -> String) {
        self.state().note(occurrence);
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn connect(&self, from: &Host, to: HostId) -> io::Result<SimulatedStream> {
        loop {
            let changed = self.changed.notified();
            let round_trip = {
                let mut state = self.state();
                if !state.is_alive(from) {
                    return Err(io::ErrorKind::NetworkDown.into());
                }
                let passes = state.passes((from.id, to)) && state.passes((to, from.id));
                passes.then(|| state.delay() + state.delay())
            };
            let Some(round_trip) = round_trip else {
                changed.await;
                continue;
            };
            time::sleep(round_trip).await;
            if let Some(opened) = self.open(from, to) {
                return opened;
            }
        }
    }

    /// Returns `None` if the network was cut meanwhile.
    fn open(&self, from: &Host, to: HostId) -> Option<io::Result<SimulatedStream>> {
        let mut state = self.state();
        if !(state.is_alive(from) && state.passes((from.id, to)) && state.passes((to, from.id))) {
            return None;
        }
        let Some(listener) = state.hosts[to].listener.clone() else {
            state.note(|| format!("refused {} > {to}", from.id));
            return Some(Err(io::ErrorKind::ConnectionRefused.into()));
        };
        state.opened += 1;
        let id = state.opened;
        state.note(|| format!("opened {id}: {} > {to}", from.id));
        state.connections.insert(id, Connection::new([from.id, to]));
        drop(state);
        let [near, far] = [0, 1].map(|end| SimulatedStream::new(self.clone(), id, end));
        Some(listener.send(far).map(|()| near).map_err(|_| io::ErrorKind::ConnectionRefused.into()))
    }
}

impl State {
    /// Returns whether segments pass in a direction.
    pub(crate) fn passes(&self, direction: Direction) -> bool {
        let (from, to) = direction;
        !self.hosts[from].is_down && !self.hosts[to].is_down && !self.cuts.contains(&direction)
    }

    /// Returns the random delay of one segment.
    pub(crate) fn delay(&mut self) -> Duration {
        let (min, max) = self.latency;
        let micros = |delay: Duration| u64::try_from(delay.as_micros()).unwrap();
        Duration::from_micros(self.rng.u64(micros(min)..=micros(max)))
    }

    pub(crate) fn note(&mut self, occurrence: impl FnOnce() -> String) {
        let at = self.begun.elapsed();
        self.trace.push(format!("{at:?} {}", occurrence()));
    }

    fn is_alive(&self, host: &Host) -> bool {
        let HostState { lives, is_down, .. } = self.hosts[host.id];
        lives == host.life && !is_down
    }

    /// Sends all segments again that have been lost, and wakes all streams.
    fn resume(&mut self) {
        let ids: Vec<_> = self.connections.keys().copied().collect();
        for id in ids {
            for end in [0, 1] {
                let delay = self.delay();
                let passes = self.connections.get(&id).map(|it| self.passes(it.direction(end)));
                if passes == Some(true) {
                    self.connections.get_mut(&id).unwrap().resume(end, Instant::now() + delay);
                    self.bounce(id, end);
                }
            }
        }
    }
}

impl Host {
    /// Attaches all streams that are dialed to this host to a socket, until the task is aborted or
    /// the host crashes.
    pub(crate) fn listen(&self, socket: &impl Socket) -> JoinHandle<()> {
        let (listener, mut streams) = mpsc::unbounded_channel();
        self.network.state().hosts[self.id].listener = Some(listener);
        let socket = socket.clone();
        tokio::spawn(async move {
            while let Some(stream) = streams.recv().await {
                if socket.attach(stream).await.is_err() {
                    break;
                }
            }
        })
    }

    /// Ends the listener: attempts to connect are refused.
    pub(crate) fn stop_listening(&self) {
        self.network.state().hosts[self.id].listener = None;
    }

    /// Returns a dialer of another host.
    pub(crate) fn dialer(&self, to: &Self) -> impl Dialer + use<> {
        let (from, to) = (self.clone(), to.id);
        move |_: Endpoint| {
            let from = from.clone();
            async move { from.network.connect(&from, to).await.map(RemoteStream::new) }
        }
    }

    /// Connects a socket on this host with another host.
    pub(crate) async fn connect(&self, socket: &impl Socket, to: &Self) {
        let endpoint = format!("stream://host {}", to.id);
        socket.connect_with(endpoint, self.dialer(to)).await.unwrap();
    }

    /// Stops the host without a sign to others. Streams of its programs fail.
    pub(crate) fn crash(&self) {
        let mut state = self.network.state();
        state.note(|| format!("crashed {}", self.id));
        let host = &mut state.hosts[self.id];
        (host.is_down, host.listener) = (true, None);
        for connection in state.connections.values_mut() {
            connection.lose(self.id);
        }
        self.network.changed.notify_waiters();
    }

    /// Starts the next life of the host, which resets connections that it does not know.
    pub(crate) fn restart(&self) -> Self {
        let mut state = self.network.state();
        state.note(|| format!("restarted {}", self.id));
        let host = &mut state.hosts[self.id];
        host.is_down = false;
        host.lives += 1;
        let life = host.lives;
        state.resume();
        self.network.changed.notify_waiters();
        Self { network: self.network.clone(), id: self.id, life }
    }
}
