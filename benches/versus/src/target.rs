//! The targets of this crate.

use crate::case::{Case, Load, Metric, Runtime, Section, Transport};
use crate::implementation::Implementation;
use crate::results::Results;
use crate::statistics::Spread;
use crate::table;

/// A bound on a result of this crate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    case: Case,
    metric: Metric,
    against: Against,
    /// A lower bound if greater is better, otherwise an upper bound.
    bound: f64,
}

/// The value that a result is compared with.
#[derive(Clone, Copy, Debug)]
enum Against {
    One(Implementation),
    /// The best messaging library.
    BestRival,
    /// The same work of this crate on one thread.
    OneThread,
    /// The bound itself, in bytes.
    Nothing,
}

/// A target, and whether it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) wanted: String,
    pub(crate) measured: String,
    pub(crate) reached: bool,
}

impl Target {
    /// Compares the results with the target. Returns `None` if they were not measured.
    pub(crate) fn judge(&self, results: &Results) -> Option<Verdict> {
        if results.is_too_slow(self.case, Implementation::TokioZmtp) {
            return Some(self.of_load("not sustained", false));
        }
        let ours = results.spread(self.case, self.metric, Implementation::TokioZmtp)?;
        let more = self.metric.more_is_better();
        let sign = if more { "≥" } else { "≤" };
        let (wanted, found) = match self.against {
            Against::One(other) => {
                let wanted = format!("{sign} {:.2}× {}", self.bound, other.title());
                (wanted, results.ratio(self.case, self.metric, other)?)
            }
            Against::BestRival => {
                let Some(best) = best_rival(results, self.case, self.metric) else {
                    let mut all = Implementation::ALL.into_iter();
                    all.find(|&who| results.is_too_slow(self.case, who))?;
                    return Some(self.of_load("no rival sustains it", true));
                };
                let wanted = format!("{sign} {:.2}× the best rival, {}", self.bound, best.title());
                (wanted, results.ratio(self.case, self.metric, best)?)
            }
            Against::OneThread => {
                let one_thread = Case { runtime: Runtime::CurrentThread, ..self.case };
                let rounds = |case| results.rounds(case, self.metric, Implementation::TokioZmtp);
                let ratio = Spread::of_ratios(rounds(self.case), rounds(one_thread))?;
                (format!("{sign} {:.2}× one thread", self.bound), ratio)
            }
            Against::Nothing => (format!("{sign} {:.0} KiB", self.bound / 1_024.0), ours),
        };
        let measured = match self.against {
            Against::Nothing => format!("{:.1} KiB", found.median / 1_024.0),
            Against::BestRival | Against::One(_) | Against::OneThread => {
                let Spread { median, least, greatest } = found;
                format!("{median:.2}× ({least:.2}–{greatest:.2})")
            }
        };
        let reached = if more { found.median >= self.bound } else { found.median <= self.bound };
        Some(Verdict { what: what(self.case, self.metric), wanted, measured, reached })
    }

    /// Returns the verdict on a load that only one side sustains.
    fn of_load(&self, measured: &str, reached: bool) -> Verdict {
        Verdict {
            what: what(self.case, self.metric),
            wanted: format!("≤ {:.2}× the best rival", self.bound),
            measured: measured.to_owned(),
            reached,
        }
    }
}

/// Returns whether there is a target for this case.
pub(crate) fn is_about(case: Case) -> bool {
    all().iter().any(|target| target.case == case)
}

/// Returns all targets, in the order of their display.
pub(crate) fn all() -> Vec<Target> {
    use Against::{BestRival, Nothing, One, OneThread};
    use Implementation::{Bare, Channel, Libzmq, Monocoque, Omq, TokioZmtpTcp, Tonic};
    let mut targets = Vec::new();
    let mut add = |case, metric, bounds: &[(Against, f64)]| {
        targets.extend(bounds.iter().map(|&(against, bound)| Target {
            case,
            metric,
            against,
            bound,
        }));
    };
    let one_way = |size| Case::new(Section::Throughput, size);
    let two_workers = |case| Case { runtime: Runtime::MultiThread, ..case };
    for size in [16, 64] {
        let bounds = [(One(Libzmq), 3.5), (One(Omq), 3.5), (One(Monocoque), 1.5)];
        add(one_way(size), Metric::Rate, &bounds);
    }
    for size in [16, 64] {
        let bounds = [(One(Libzmq), 2.75), (One(Omq), 2.75)];
        add(two_workers(one_way(size)), Metric::Rate, &bounds);
    }
    let ipc = Case { transport: Transport::Ipc, ..one_way(64) };
    add(ipc, Metric::Rate, &[(One(Libzmq), 5.0), (One(Monocoque), 1.2)]);
    for size in [1_024, 4_096, 16_384] {
        let bounds = [(One(Libzmq), 4.0), (BestRival, 1.0), (One(Bare), 0.8)];
        add(one_way(size), Metric::Rate, &bounds);
    }
    add(one_way(65_536), Metric::Rate, &[(One(Bare), 0.85)]);
    add(one_way(1_048_576), Metric::Rate, &[(BestRival, 1.0)]);
    let trip = Case { outstanding: 1, ..Case::new(Section::Latency, 64) };
    let pinned = Case { pinned: true, ..trip };
    add(pinned, Metric::Median, &[(One(Bare), 1.1), (One(Libzmq), 0.4)]);
    add(two_workers(trip), Metric::Median, &[(BestRival, 1.0)]);
    let pipelined = Case { outstanding: 100, ..Case::new(Section::Pipelined, 64) };
    add(pipelined, Metric::Rate, &[(One(Libzmq), 2.5), (One(Omq), 1.5)]);
    let fan_in = Case { clients: 1_000, ..Case::new(Section::FanIn, 64) };
    add(fan_in, Metric::Rate, &[(One(Libzmq), 2.0), (One(Omq), 4.0)]);
    for (size, bound) in [(64, 2.0), (1_024, 1.2), (4_096, 1.2), (16_384, 1.2), (65_536, 1.2)] {
        add(Case::new(Section::Curve, size), Metric::Rate, &[(One(Libzmq), bound)]);
    }
    for (curve, bound) in [(false, 1.0), (true, 0.8)] {
        let handshakes = Case { curve, clients: 10, ..Case::new(Section::Handshakes, 64) };
        add(handshakes, Metric::Handshake, &[(One(Libzmq), bound)]);
    }
    let idle = Case { clients: 1_000, ..Case::new(Section::Idle, 64) };
    add(idle, Metric::ServerMemory, &[(Nothing, 8_192.0)]);
    add(idle, Metric::ClientMemory, &[(Nothing, 8_192.0)]);
    let inproc = Case { transport: Transport::Inproc, ..two_workers(one_way(64)) };
    add(inproc, Metric::Rate, &[(One(Channel), 1.5), (One(Libzmq), 2.0)]);
    let rpc = Case { outstanding: 100, ..Case::new(Section::Rpc, 64) };
    add(rpc, Metric::Rate, &[(One(Tonic), 15.0)]);
    add(two_workers(rpc), Metric::Rate, &[(One(Tonic), 15.0), (OneThread, 0.6)]);
    // The same as for CLIENT and SERVER, among the implementations that have these types.
    let scatter = |size| Case::new(Section::Scatter, size);
    for size in [16, 64] {
        add(scatter(size), Metric::Rate, &[(One(Libzmq), 3.5), (One(Omq), 3.5)]);
    }
    for size in [16, 64] {
        let bounds = [(One(Libzmq), 2.75), (One(Omq), 2.75)];
        add(two_workers(scatter(size)), Metric::Rate, &bounds);
    }
    add(Case { transport: Transport::Ipc, ..scatter(64) }, Metric::Rate, &[(One(Libzmq), 5.0)]);
    for size in [1_024, 4_096, 16_384] {
        let bounds = [(One(Libzmq), 4.0), (BestRival, 1.0), (One(Bare), 0.8)];
        add(scatter(size), Metric::Rate, &bounds);
    }
    add(scatter(65_536), Metric::Rate, &[(One(Bare), 0.85)]);
    add(scatter(1_048_576), Metric::Rate, &[(BestRival, 1.0)]);
    let inproc = Case { transport: Transport::Inproc, ..two_workers(scatter(64)) };
    add(inproc, Metric::Rate, &[(One(Channel), 1.5), (One(Libzmq), 2.0)]);
    let dealer = Case { outstanding: 100, ..Case::new(Section::Dealer, 64) };
    add(dealer, Metric::Rate, &[(One(Libzmq), 2.5)]);
    let req = Case { outstanding: 1, ..Case::new(Section::Req, 64) };
    let bounds = [(One(Libzmq), 0.45), (One(Monocoque), 1.15)];
    add(Case { pinned: true, ..req }, Metric::Median, &bounds);
    for size in [16, 64] {
        let push = Case::new(Section::Push, size);
        add(push, Metric::Rate, &[(One(Libzmq), 3.0), (One(Monocoque), 1.0)]);
        add(two_workers(push), Metric::Rate, &[(One(Monocoque), 1.0)]);
    }
    for size in [16, 64] {
        let batches = Case::new(Section::Batches, size);
        for case in [batches, two_workers(batches)] {
            add(case, Metric::Rate, &[(One(Monocoque), 1.5), (One(Omq), 2.0)]);
        }
    }
    add(Case::new(Section::Parts, 64), Metric::Rate, &[(One(Libzmq), 2.5)]);
    for clients in [1, 10, 100] {
        let groups = Case { clients, no_drop: true, ..Case::new(Section::Groups, 64) };
        add(groups, Metric::Rate, &[(One(Libzmq), 3.0)]);
    }
    let topics =
        |clients, topics| Case { clients, topics, no_drop: true, ..Case::new(Section::Topics, 64) };
    for clients in [1, 100] {
        add(topics(clients, 1), Metric::Rate, &[(One(Libzmq), 3.0)]);
    }
    add(topics(1, 10_000), Metric::Rate, &[(One(Libzmq), 2.0)]);
    let udp =
        Case { transport: Transport::Udp, no_drop: true, ..Case::new(Section::Datagrams, 64) };
    add(udp, Metric::Rate, &[(One(Libzmq), 2.0)]);
    let ws = |size| Case { transport: Transport::Ws, ..Case::new(Section::Websocket, size) };
    add(ws(64), Metric::Rate, &[(One(Libzmq), 2.0)]);
    add(ws(1_024), Metric::Rate, &[(One(TokioZmtpTcp), 0.6)]);
    let paced = |load| Case { load: Some(load), ..Case::new(Section::Load, 64) };
    let percent = [10, 50, 80].map(Load::Percent);
    for load in percent.into_iter().chain([10_000, 100_000, 500_000].map(Load::PerSecond)) {
        add(paced(load), Metric::WindowP99, &[(BestRival, 1.0)]);
        add(two_workers(paced(load)), Metric::WindowP99, &[(BestRival, 1.0)]);
    }
    let crowd = |clients| Case { clients, ..Case::new(Section::Crowd, 64) };
    for case in [crowd(1_000), two_workers(crowd(1_000)), two_workers(crowd(10_000))] {
        let of_memory = [Metric::ServerMemory, Metric::ClientMemory];
        let others = [Metric::Connect, Metric::Rate, Metric::WindowP99, Metric::Reconnect];
        for metric in of_memory.into_iter().chain(others) {
            add(case, metric, &[(BestRival, 1.0)]);
        }
    }
    targets
}

fn best_rival(results: &Results, case: Case, metric: Metric) -> Option<Implementation> {
    let rivals = Implementation::ALL
        .into_iter()
        .filter(|who| *who != Implementation::TokioZmtp && !who.is_bare());
    let measured = rivals.filter_map(|who| Some((who, results.spread(case, metric, who)?.median)));
    let by_value = |a: &(_, f64), b: &(_, f64)| a.1.total_cmp(&b.1);
    let best =
        if metric.more_is_better() { measured.max_by(by_value) } else { measured.min_by(by_value) };
    best.map(|(who, _)| who)
}

/// Formats the size of a body with its unit.
fn with_unit(size: usize) -> String {
    let size = crate::case::in_words(size);
    match size.split_at_checked(size.len().saturating_sub(2)) {
        Some((number, unit @ ("Ki" | "Mi"))) => format!("{number} {unit}B"),
        _ => format!("{size} bytes"),
    }
}

fn what(case: Case, metric: Metric) -> String {
    let size = with_unit(case.size);
    let runtime = match case.runtime {
        Runtime::CurrentThread => "one thread",
        Runtime::MultiThread => "two workers",
    };
    let transport = case.transport;
    match case.section {
        Section::Throughput => format!("{transport}, {size} one way, {runtime}"),
        Section::Curve if case.outstanding > 0 => {
            format!("{size} both ways with CURVE, {runtime}")
        }
        Section::Curve => format!("{size} one way with CURVE, {runtime}"),
        Section::Latency if case.pinned => {
            format!("{transport}, round trip of {size} on one core")
        }
        Section::Latency => format!("{transport}, round trip of {size}, {runtime}"),
        Section::Pipelined => format!("{} requests outstanding, {runtime}", case.outstanding),
        Section::FanIn => format!("{} clients, {runtime}", case.clients),
        Section::Handshakes => {
            let mechanism = if case.curve { "CURVE" } else { "NULL" };
            format!("server's time for a connection with {mechanism}, {runtime}")
        }
        Section::Floods => "flood".to_owned(),
        Section::Idle if metric == Metric::ServerMemory => "idle connection, server".to_owned(),
        Section::Idle => "idle connection, client".to_owned(),
        Section::Cost => "cost".to_owned(),
        Section::Rpc => format!("{} calls outstanding, {runtime}", case.outstanding),
        Section::Scatter => format!("SCATTER, {transport}, {size}, {runtime}"),
        Section::Dealer => format!("DEALER, {} requests outstanding, {runtime}", case.outstanding),
        Section::Req => format!("REQ, {transport}, round trip of {size} on one core"),
        Section::Push => format!("PUSH, {transport}, {size}, {runtime}"),
        Section::Batches => format!("PUSH in batches, {transport}, {size}, {runtime}"),
        Section::Parts => format!("PUSH, three parts of {size}, {runtime}"),
        Section::Groups => format!("RADIO to {} DISHes, {runtime}", case.clients),
        Section::Datagrams => format!("RADIO to DISH, {transport}, {size}, {runtime}"),
        Section::Topics if case.topics > 1 => {
            format!("PUB to {} SUBs with {} topics, {runtime}", case.clients, case.topics)
        }
        Section::Topics => format!("PUB to {} SUBs, {runtime}", case.clients),
        Section::Websocket => format!("{transport}, {size} one way, {runtime}"),
        Section::Load => {
            let load = case.load.map_or_else(String::new, table::load_in_words);
            format!("99th percentile at {load}, {runtime}")
        }
        Section::Lto => "link-time optimization".to_owned(),
        Section::Crowd => {
            let what = match metric {
                Metric::Connect => "connecting",
                Metric::ServerMemory => "memory of the server",
                Metric::ClientMemory => "memory of the client",
                Metric::WindowP99 => "99th percentile",
                Metric::Reconnect => "reconnecting after 100 ms",
                _ => "requests",
            };
            format!("{} connections, {what}, {runtime}", case.clients)
        }
    }
}
