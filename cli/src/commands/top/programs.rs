//! The latest statistics of each program, and their rates.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_zmtp::snapshot::{ProxySnapshot, RemoteSnapshot, Snapshot, SocketSnapshot};
use tokio_zmtp::stats::{Dropped, DroppedDatagrams, Volume};

/// The programs whose snapshots have arrived.
#[derive(Debug, Default)]
pub(super) struct Programs {
    programs: BTreeMap<(String, u32), Program>,
    order: Order,
    malformed: u64,
}

/// The order of the sockets of a program, and of their remotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    Arrival,
    Sent,
    Received,
    Queued,
    Dropped,
}

/// The last two snapshots of a program.
#[derive(Debug)]
pub(super) struct Program {
    current: Snapshot,
    previous: Option<Snapshot>,
    arrived: Instant,
}

/// The counters of a socket, a remote or a proxy that are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) sent_bytes: u64,
    pub(super) received_bytes: u64,
    pub(super) dropped: u64,
    pub(super) queued_out: u64,
    pub(super) queued_in: u64,
}

/// Counters, and how much they have grown in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Measured {
    pub(super) now: Counters,
    /// `None` before the second snapshot.
    pub(super) rates: Option<Rates>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rates {
    pub(super) sent: f64,
    pub(super) received: f64,
    pub(super) sent_bytes: f64,
    pub(super) received_bytes: f64,
}

impl Programs {
    pub(super) fn update(&mut self, snapshot: Snapshot, now: Instant) {
        let key = (snapshot.program.clone(), snapshot.pid);
        let previous = self.programs.remove(&key).map(|program| program.current);
        // One that is repeated, or older, has no rates.
        let previous = previous.filter(|previous| previous.time < snapshot.time);
        self.programs.insert(key, Program { current: snapshot, previous, arrived: now });
    }

    /// Removes programs that have published nothing for long.
    pub(super) fn forget(&mut self, now: Instant) {
        self.programs.retain(|_, program| now - program.arrived < FORGOTTEN_AFTER);
    }

    pub(super) const fn count_malformed(&mut self) {
        self.malformed += 1;
    }

    pub(super) const fn sort_differently(&mut self) {
        self.order = match self.order {
            Order::Arrival => Order::Sent,
            Order::Sent => Order::Received,
            Order::Received => Order::Queued,
            Order::Queued => Order::Dropped,
            Order::Dropped => Order::Arrival,
        };
    }

    pub(super) const fn order(&self) -> Order {
        self.order
    }

    /// Returns the number of messages that were not snapshots.
    pub(super) const fn malformed(&self) -> u64 {
        self.malformed
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Program> {
        self.programs.values()
    }
}

impl Program {
    pub(super) const fn snapshot(&self) -> &Snapshot {
        &self.current
    }

    /// Returns whether it has published nothing for a while.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        now - self.arrived > STALE_AFTER
    }

    /// Returns the sockets in this order.
    pub(super) fn sockets(&self, order: Order) -> Vec<(&SocketSnapshot, Measured)> {
        let previous = self.previous.as_ref().map(|snapshot| snapshot.sockets.as_slice());
        let earlier = |at: usize, socket: &SocketSnapshot| {
            let same = |other: &&SocketSnapshot| {
                other.name == socket.name && other.socket_type == socket.socket_type
            };
            Some(previous?.get(at).filter(same)?.into())
        };
        let sockets = self.current.sockets.iter().enumerate();
        sorted(sockets.map(|(at, one)| (one, self.measure(one.into(), earlier(at, one)))), order)
    }

    /// Returns the remotes of a socket in this order.
    pub(super) fn remotes<'a>(
        &'a self,
        socket: &'a SocketSnapshot,
        order: Order,
    ) -> Vec<(&'a RemoteSnapshot, Measured)> {
        let earlier = self.previous.iter().flat_map(|snapshot| &snapshot.sockets);
        let earlier = earlier.filter(|other| other.name == socket.name);
        let earlier: BTreeMap<u64, Counters> = earlier
            .flat_map(|other| &other.remotes)
            .map(|remote| (remote.connection_id, remote.into()))
            .collect();
        let remotes = socket
            .remotes
            .iter()
            .map(|one| (one, self.measure(one.into(), earlier.get(&one.connection_id).copied())));
        sorted(remotes, order)
    }

    pub(super) fn proxies(&self) -> Vec<(&ProxySnapshot, Measured)> {
        let previous = self.previous.iter().flat_map(|snapshot| &snapshot.proxies);
        let earlier = |proxy: &ProxySnapshot| {
            previous.clone().find(|other| other.name == proxy.name).map(Counters::from)
        };
        let proxies = self.current.proxies.iter();
        proxies.map(|one| (one, self.measure(one.into(), earlier(one)))).collect()
    }

    fn measure(&self, now: Counters, earlier: Option<Counters>) -> Measured {
        let earlier = earlier.zip(self.previous.as_ref());
        let rates = earlier.map(|(earlier, previous)| {
            let passed = self.current.time.saturating_sub(previous.time).max(1) as f64 / 1e3;
            // A counter that has shrunk belongs to another socket.
            let rate = |now: u64, earlier: u64| now.saturating_sub(earlier) as f64 / passed;
            Rates {
                sent: rate(now.sent, earlier.sent),
                received: rate(now.received, earlier.received),
                sent_bytes: rate(now.sent_bytes, earlier.sent_bytes),
                received_bytes: rate(now.received_bytes, earlier.received_bytes),
            }
        });
        Measured { now, rates }
    }
}

fn sorted<'a, T>(
    rows: impl Iterator<Item = (&'a T, Measured)>,
    order: Order,
) -> Vec<(&'a T, Measured)> {
    let mut rows: Vec<_> = rows.collect();
    let rates = |measured: &Measured| measured.rates.unwrap_or_default();
    // The largest first. Equal ones keep their order.
    match order {
        Order::Arrival => {}
        Order::Sent => rows.sort_by(|(_, a), (_, b)| rates(b).sent.total_cmp(&rates(a).sent)),
        Order::Received => {
            rows.sort_by(|(_, a), (_, b)| rates(b).received.total_cmp(&rates(a).received));
        }
        Order::Queued => {
            rows.sort_by_key(|(_, one)| u64::MAX - (one.now.queued_out + one.now.queued_in));
        }
        Order::Dropped => rows.sort_by_key(|(_, one)| u64::MAX - one.now.dropped),
    }
    rows
}

impl Counters {
    fn of(sent: Volume, received: Volume) -> Self {
        Self {
            sent: sent.messages,
            received: received.messages,
            sent_bytes: sent.bytes,
            received_bytes: received.bytes,
            ..Self::default()
        }
    }
}

impl From<&SocketSnapshot> for Counters {
    fn from(socket: &SocketSnapshot) -> Self {
        let stats = &socket.stats;
        Self {
            dropped: all_of(&stats.dropped),
            queued_out: (stats.queued.outgoing + stats.queued.returned) as u64,
            queued_in: stats.queued.incoming as u64,
            ..Self::of(stats.sent, stats.received)
        }
    }
}

impl From<&RemoteSnapshot> for Counters {
    fn from(remote: &RemoteSnapshot) -> Self {
        let stats = &remote.stats;
        Self {
            dropped: stats.missed
                + stats.replaced
                + stats.multipart
                + all_datagrams(&stats.datagrams),
            queued_out: stats.queued.outgoing as u64,
            queued_in: stats.queued.incoming as u64,
            ..Self::of(stats.sent, stats.received)
        }
    }
}

/// To the backend is sent, to the frontend is received.
impl From<&ProxySnapshot> for Counters {
    fn from(proxy: &ProxySnapshot) -> Self {
        let stats = &proxy.stats;
        Self {
            dropped: stats.unroutable.messages + stats.too_long.messages,
            ..Self::of(stats.to_backend, stats.to_frontend)
        }
    }
}

fn all_of(dropped: &Dropped) -> u64 {
    [
        dropped.undelivered,
        dropped.refused,
        dropped.unread,
        dropped.missed,
        dropped.replaced,
        dropped.malformed_requests,
        dropped.unanswered_requests,
        dropped.malformed_replies,
        dropped.stray_replies,
        dropped.unroutable,
        dropped.multipart,
        all_datagrams(&dropped.datagrams),
    ]
    .into_iter()
    .fold(0, u64::saturating_add)
}

const fn all_datagrams(datagrams: &DroppedDatagrams) -> u64 {
    datagrams.lost.saturating_add(datagrams.malformed).saturating_add(datagrams.overflowed)
}

const STALE_AFTER: Duration = Duration::from_secs(5);

const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rates_are_those_between_two_snapshots_of_a_program() {
        let mut programs = Programs::default();
        programs.update(snapshot(1_000, &[("a", 10), ("b", 0)]), Instant::now());
        programs.update(snapshot(3_000, &[("a", 30), ("b", 100)]), Instant::now());

        let program = programs.iter().next().unwrap();
        let rates = |order| {
            let sockets = program.sockets(order);
            sockets
                .into_iter()
                .map(|(socket, measured)| (socket.name.as_str(), measured.rates.unwrap().sent))
                .collect::<Vec<_>>()
        };
        assert_eq!(rates(Order::Arrival), [("a", 10.0), ("b", 50.0)]);
        assert_eq!(rates(Order::Sent), [("b", 50.0), ("a", 10.0)]);
    }

    #[test]
    fn programs_of_one_name_differ_by_their_process() {
        let mut programs = Programs::default();
        let mut other = snapshot(1_000, &[]);
        other.pid = 2;
        programs.update(snapshot(1_000, &[]), Instant::now());
        programs.update(other, Instant::now());
        assert_eq!(programs.iter().count(), 2);
    }

    #[test]
    fn the_first_snapshot_has_no_rates() {
        let mut programs = Programs::default();
        programs.update(snapshot(1_000, &[("a", 10)]), Instant::now());
        let program = programs.iter().next().unwrap();
        assert_eq!(program.sockets(Order::Arrival)[0].1.rates, None);
    }

    fn snapshot(time: u64, sockets: &[(&str, u64)]) -> Snapshot {
        let sockets: Vec<_> = sockets
            .iter()
            .map(|(name, sent)| json!({ "name": name, "stats": { "sent": { "messages": sent, "bytes": 0 } } }))
            .collect();
        let value = json!({ "program": "p", "pid": 1, "time": time, "sockets": sockets });
        serde_json::from_value(value).unwrap()
    }
}
