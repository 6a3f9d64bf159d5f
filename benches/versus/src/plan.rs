//! The cases, their participants, and the number of rounds.

use crate::case::{Case, Flood, FloodKind, Load, Runtime, Section, Transport};
use crate::implementation::Implementation;
use crate::target;

/// The extent of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything that the documentation shows.
    Full,
    /// A selection, in about a minute.
    Quick,
    /// A minimal load for every case.
    Smoke,
}

impl Extent {
    /// Returns the number of rounds of a case.
    pub(crate) fn rounds(self, case: Case) -> usize {
        match self {
            Self::Full if case.section == Section::Idle => 1,
            Self::Full if case.section == Section::Cost => 3,
            Self::Full if case.section == Section::Floods => 3,
            Self::Full if case.section == Section::Crowd => 3,
            Self::Full if case.section == Section::Lto || target::is_about(case) => 5,
            Self::Full | Self::Quick => 3,
            Self::Smoke => 1,
        }
    }

    /// Returns the duration of a measurement of a case in seconds.
    pub(crate) fn seconds(self, case: Case) -> f64 {
        match self {
            // The queues of a thousand connections hold two million messages. A shorter measurement
            // would show only how fast they fill.
            Self::Full if case.clients >= 1_000 && case.section != Section::Crowd => 2.0,
            // Thirty windows of latencies.
            Self::Full if matches!(case.section, Section::Load | Section::Crowd) => 0.6,
            // A client waits for a second until TCP repeats an attempt.
            Self::Full if case.section == Section::Floods => 4.0,
            // Processor time has a resolution of milliseconds.
            Self::Full if case.section == Section::Handshakes => 1.0,
            // Shorter rounds of such long bodies differ by up to a factor of three.
            Self::Full if is_one_way(case) && case.size >= 0x10_0000 => 1.0,
            Self::Full => 0.3,
            Self::Quick => 0.2,
            Self::Smoke => 0.002,
        }
    }
}

fn is_one_way(case: Case) -> bool {
    matches!(case.section, Section::Throughput | Section::Scatter | Section::Push | Section::Parts)
}

/// Returns the cases of a section, in the order of its tables.
pub(crate) fn cases(section: Section, extent: Extent) -> Vec<Case> {
    let mut cases = all(section);
    cases.retain(|case| match extent {
        Extent::Full => true,
        Extent::Quick => is_in_quick(*case),
        Extent::Smoke => is_in_smoke(*case),
    });
    if extent == Extent::Smoke {
        for case in &mut cases {
            case.clients = case.clients.min(20);
        }
    }
    cases
}

/// Returns whether an implementation supports a case.
pub(crate) fn takes_part(implementation: Implementation, case: Case) -> bool {
    use Implementation::{
        Bare, Channel, Libzmq, Monocoque, Omq, Rzmq, TokioZmtp, TokioZmtpTcp, Tonic, ZmqRs,
    };
    match case.section {
        Section::Rpc => matches!(implementation, TokioZmtp | Tonic),
        Section::Curve | Section::Handshakes | Section::Floods => {
            matches!(implementation, TokioZmtp | Libzmq)
        }
        Section::Websocket => matches!(implementation, TokioZmtp | Libzmq | TokioZmtpTcp),
        Section::Load => {
            matches!(implementation, TokioZmtp | Libzmq | Omq | Monocoque | Tonic | Bare)
        }
        Section::Crowd => matches!(implementation, TokioZmtp | Libzmq | Omq),
        Section::Topics if case.proxied => matches!(implementation, TokioZmtp | Libzmq),
        Section::Groups | Section::Datagrams | Section::Topics => {
            matches!(implementation, TokioZmtp | Libzmq | Omq)
        }
        Section::Req | Section::Parts | Section::Batches => {
            matches!(implementation, TokioZmtp | Libzmq | Omq | Monocoque)
        }
        Section::Push | Section::Dealer => {
            !matches!(implementation, Tonic | Bare | Channel | TokioZmtpTcp)
        }
        Section::Throughput
        | Section::Latency
        | Section::Pipelined
        | Section::FanIn
        | Section::Idle
        | Section::Cost
        | Section::Lto
        | Section::Scatter => {
            let inproc = case.transport == Transport::Inproc;
            let scatter = case.section == Section::Scatter;
            match implementation {
                TokioZmtp | Libzmq | Omq => true,
                Rzmq => !scatter,
                Monocoque | ZmqRs => !inproc && !scatter,
                Bare => !inproc && case.clients == 1,
                Channel => inproc,
                Tonic | TokioZmtpTcp => false,
            }
        }
    }
}

fn all(section: Section) -> Vec<Case> {
    let on_both = |case: Case| {
        [Runtime::CurrentThread, Runtime::MultiThread].map(|runtime| Case { runtime, ..case })
    };
    match section {
        Section::Throughput | Section::Latency => {
            let outstanding = usize::from(section == Section::Latency);
            let mut cases = Vec::new();
            for transport in [Transport::Tcp, Transport::Ipc, Transport::Inproc] {
                for runtime in [Runtime::CurrentThread, Runtime::MultiThread] {
                    cases.extend(SIZES.map(|size| {
                        let case = Case::new(section, size);
                        Case { transport, runtime, outstanding, ..case }
                    }));
                }
            }
            if section == Section::Latency {
                let pinned = Case { pinned: true, outstanding, ..Case::new(section, SHORT) };
                cases.extend([pinned, Case { transport: Transport::Ipc, ..pinned }]);
            }
            cases
        }
        Section::Pipelined => {
            let of = |outstanding| Case { outstanding, ..Case::new(section, SHORT) };
            sorted([1, 10, 100, 1_000].into_iter().flat_map(|n| on_both(of(n))))
        }
        Section::FanIn => {
            let of = |clients| Case { clients, ..Case::new(section, SHORT) };
            sorted([1, 10, 100, 1_000].into_iter().flat_map(|n| on_both(of(n))))
        }
        Section::Curve => {
            let sizes = [SHORT, 1_024, 4_096, 16_384, 65_536];
            let one_way = |size| Case::new(section, size);
            let both_ways = |size| Case { outstanding: 10, ..one_way(size) };
            sorted(sizes.into_iter().flat_map(|n| [one_way(n), both_ways(n)]).flat_map(on_both))
        }
        Section::Handshakes => {
            let of = |curve| Case { curve, clients: 10, ..Case::new(section, SHORT) };
            sorted([false, true].into_iter().flat_map(|curve| on_both(of(curve))))
        }
        Section::Floods => {
            floods().map(|flood| Case { flood, ..Case::new(section, SHORT) }).collect()
        }
        Section::Idle => vec![Case { clients: 1_000, ..Case::new(section, SHORT) }],
        Section::Cost => {
            vec![Case::new(section, SHORT), Case { outstanding: 100, ..Case::new(section, SHORT) }]
        }
        Section::Rpc => sorted(on_both(Case { outstanding: 100, ..Case::new(section, SHORT) })),
        Section::Scatter => {
            let of = |size| Case::new(section, size);
            let short = [16, SHORT].map(|n| Case { runtime: Runtime::MultiThread, ..of(n) });
            let mut cases: Vec<_> = SIZES.into_iter().map(of).chain(short).collect();
            cases.push(Case { transport: Transport::Ipc, ..of(SHORT) });
            cases.push(Case { transport: Transport::Inproc, ..short[1] });
            cases
        }
        Section::Dealer => sorted(on_both(Case { outstanding: 100, ..Case::new(section, SHORT) })),
        Section::Req => {
            let trip = Case { outstanding: 1, ..Case::new(section, SHORT) };
            let mut cases = vec![trip, Case { runtime: Runtime::MultiThread, ..trip }];
            cases.push(Case { pinned: true, ..trip });
            cases
        }
        Section::Push => {
            let of = |size| Case::new(section, size);
            let mut cases: Vec<_> = SIZES.into_iter().map(of).collect();
            cases.extend([16, SHORT].map(|n| Case { runtime: Runtime::MultiThread, ..of(n) }));
            cases.push(Case { transport: Transport::Ipc, ..of(SHORT) });
            cases
        }
        Section::Batches => {
            sorted([16, SHORT].into_iter().flat_map(|size| on_both(Case::new(section, size))))
        }
        Section::Parts => sorted(on_both(Case::new(section, SHORT))),
        Section::Groups => {
            let of = |clients| Case { clients, no_drop: true, ..Case::new(section, SHORT) };
            sorted([1, 10, 100].into_iter().flat_map(|n| on_both(of(n))).flat_map(in_both_modes))
        }
        Section::Datagrams => {
            let of = |size| Case { transport: Transport::Udp, ..Case::new(section, size) };
            let sizes = [SHORT, 1_024, 4_096];
            sorted(sizes.into_iter().flat_map(|n| on_both(of(n))).flat_map(in_both_modes))
        }
        Section::Topics => {
            let base = Case { no_drop: true, topics: 1, ..Case::new(section, SHORT) };
            let of = |clients| Case { clients, ..base };
            let many = Case { topics: 10_000, ..base };
            let cases = [1, 10, 100].into_iter().flat_map(|n| on_both(of(n)));
            let proxied = on_both(Case { proxied: true, ..base });
            sorted(cases.flat_map(in_both_modes).chain(proxied).chain([many]))
        }
        Section::Websocket => {
            let of = |size| Case { transport: Transport::Ws, ..Case::new(section, size) };
            sorted([SHORT, 1_024, 16_384].into_iter().flat_map(|n| on_both(of(n))))
        }
        Section::Load => {
            let percent = [10, 50, 80].map(Load::Percent);
            let per_second = [10_000, 100_000, 500_000].map(Load::PerSecond);
            let of = |load| Case { load: Some(load), ..Case::new(section, SHORT) };
            sorted(percent.into_iter().chain(per_second).map(of).flat_map(on_both))
        }
        Section::Crowd => {
            let of = |clients| Case { clients, ..Case::new(section, SHORT) };
            // A server of ten thousand clients uses all cores.
            let most = Case { runtime: Runtime::MultiThread, ..of(10_000) };
            sorted(on_both(of(1_000)).into_iter().chain([most]))
        }
        Section::Lto => {
            let one_way = Case::new(section, SHORT);
            let cases = [one_way, Case { outstanding: 100, ..one_way }];
            cases
                .into_iter()
                .flat_map(|case| [false, true].map(|lto| Case { lto, ..case }))
                .collect()
        }
    }
}

/// Returns a case whose publisher waits for full subscribers, and one that drops messages.
fn in_both_modes(case: Case) -> [Case; 2] {
    [true, false].map(|no_drop| Case { no_drop, ..case })
}

/// Returns the cases in the order of their tables.
fn sorted(cases: impl IntoIterator<Item = Case>) -> Vec<Case> {
    let mut cases: Vec<_> = cases.into_iter().collect();
    cases.sort();
    cases
}

/// Returns the attacks, with none as the base.
fn floods() -> impl Iterator<Item = Option<Flood>> {
    use FloodKind::{Garbage, Leave, Stay};
    let of = |(kind, addresses, rate)| Flood { kind, addresses, rate };
    let floods = [
        (Stay, 1, 1_000),
        (Stay, 1, 4_000),
        (Stay, 1, 0),
        (Stay, 1_000, 0),
        (Stay, 0, 0),
        (Leave, 1, 0),
        (Leave, 1_000, 0),
        (Garbage, 1, 0),
        (Garbage, 1_000, 0),
    ];
    [None].into_iter().chain(floods.map(of).map(Some))
}

fn is_in_quick(case: Case) -> bool {
    let multi = case.runtime == Runtime::MultiThread;
    match case.section {
        Section::Throughput => match case.transport {
            Transport::Tcp => [SHORT, 4_096].contains(&case.size),
            Transport::Ipc => case.size == SHORT && !multi,
            Transport::Inproc => case.size == SHORT && multi,
            Transport::Udp | Transport::Ws => false,
        },
        Section::Latency => case.pinned && case.transport == Transport::Tcp,
        Section::Req => case.pinned,
        Section::Pipelined | Section::Dealer => case.outstanding == 100 && !multi,
        Section::FanIn => case.clients == 100 && !multi,
        Section::Curve | Section::Floods | Section::Idle | Section::Cost | Section::Lto => false,
        Section::Handshakes => case.curve && !multi,
        Section::Rpc => !multi,
        Section::Scatter | Section::Push | Section::Batches | Section::Parts => {
            case.size == SHORT && case.transport == Transport::Tcp && !multi
        }
        Section::Groups => case.clients == 10 && case.no_drop && !multi,
        Section::Datagrams => case.size == SHORT && case.no_drop && !multi,
        Section::Topics => case.clients == 1 && case.no_drop && !multi,
        Section::Websocket => case.size == 1_024 && !multi,
        Section::Load => case.load == Some(Load::PerSecond(100_000)) && !multi,
        Section::Crowd => case.clients == 1_000 && !multi,
    }
}

fn is_in_smoke(case: Case) -> bool {
    let multi = case.runtime == Runtime::MultiThread;
    match case.section {
        Section::Throughput | Section::Latency => case.size == 16_384 && !case.pinned,
        Section::Curve => [SHORT, 65_536].contains(&case.size) && multi,
        Section::Pipelined | Section::Dealer => case.outstanding == 100,
        Section::Req => !case.pinned,
        Section::FanIn => case.clients == 10 && multi,
        Section::Idle | Section::Cost => true,
        Section::Handshakes => multi,
        Section::Floods => case.flood.is_some_and(|flood| flood.addresses > 1),
        Section::Rpc => multi,
        Section::Scatter | Section::Push | Section::Batches | Section::Parts => {
            case.size == SHORT && multi
        }
        Section::Groups => case.clients == 10 && case.no_drop && multi,
        Section::Datagrams => case.size == SHORT && !case.no_drop && multi,
        Section::Topics => (case.clients == 10 && case.no_drop || case.proxied) && multi,
        Section::Websocket => case.size == SHORT && multi,
        Section::Load => {
            let loads = [Load::Percent(10), Load::PerSecond(10_000)];
            case.load.is_some_and(|load| loads.contains(&load)) && multi
        }
        Section::Crowd => case.clients == 1_000 && multi,
        // The program with link-time optimization is not built.
        Section::Lto => !case.lto,
    }
}

const SIZES: [usize; 8] = [16, SHORT, 256, 1_024, 4_096, 16_384, 65_536, 1_048_576];

/// The usual size of a body in bytes.
const SHORT: usize = 64;
