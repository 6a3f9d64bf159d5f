//! Two connected processes, and the number of messages of a measurement.

use std::net::UdpSocket;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use crate::Failure;
use crate::case::{Section, Transport};
use crate::child::Child;
use crate::implementation::{Implementation, Place};
use crate::report::Done;
use crate::role::{Part, Role};
use crate::workload::Attempt;

/// A bound process and a process connected to it.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) bound: Child,
    pub(crate) connected: Child,
    /// A process between both.
    _proxy: Option<Child>,
}

impl Pair {
    /// Starts both processes.
    pub(crate) fn start(
        attempt: &Attempt<'_>,
        bound: Part,
        connected: Part,
    ) -> Result<Self, Failure> {
        Self::start_under(attempt, (bound, &[]), (connected, &[]))
    }

    /// Starts both processes, each as the last argument of another program.
    pub(crate) fn start_under(
        attempt: &Attempt<'_>,
        (bound, under_bound): (Part, &[PathBuf]),
        (connected, under_connected): (Part, &[PathBuf]),
    ) -> Result<Self, Failure> {
        let mut role = role(attempt, bound)?;
        let mut bound = Child::spawn_under(&role, under_bound)?;
        role.endpoint = bound.bound()?;
        let mut proxy = None;
        if attempt.case.proxied {
            role.part = Part::Proxy;
            let mut child = Child::spawn_under(&role, &[])?;
            role.endpoint = child.bound()?;
            proxy = Some(child);
        }
        role.part = connected;
        let mut connected = Child::spawn_under(&role, under_connected)?;
        connected.ready()?;
        Ok(Self { bound, connected, _proxy: proxy })
    }
}

/// Returns the role of a process in an attempt.
pub(crate) fn role(attempt: &Attempt<'_>, part: Part) -> Result<Role, Failure> {
    let case = attempt.case;
    let transport = match attempt.implementation {
        Implementation::TokioZmtpTcp => Transport::Tcp,
        _ => case.transport,
    };
    // libzmq does not report the port that the system picks for udp.
    let port = match transport {
        Transport::Udp => UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port(),
        Transport::Inproc | Transport::Ipc | Transport::Tcp | Transport::Ws => 0,
    };
    Ok(Role {
        implementation: attempt.implementation,
        part,
        runtime: case.runtime,
        core: case.pinned.then_some(0),
        section: case.section,
        place: Place {
            transport,
            path: attempt.directory.join(file_name()).to_string_lossy().into_owned(),
            port,
            size: case.size,
            connections: case.clients,
            no_drop: case.no_drop,
            topics: case.topics,
        },
        endpoint: String::new(),
        outstanding: case.outstanding,
        curve: case.curve || matches!(case.section, Section::Curve | Section::Floods),
        flood: case.flood,
        lto: case.lto,
    })
}

/// Determines the number of messages for the requested duration, and measures them.
pub(crate) fn adapt(
    attempt: &Attempt<'_>,
    mut run: impl FnMut(u64) -> Result<Done, Failure>,
) -> Result<Adapted, Failure> {
    let clients = attempt.case.clients as u64;
    let mut timed = |count: f64| {
        let count = (count as u64).div_ceil(clients).max(2) * clients;
        let start = Instant::now();
        let done = run(count)?;
        // A few messages may all have arrived when the first is received, so the receiver's
        // clock does not predict the duration of more messages.
        let rate = count as f64 / start.elapsed().as_secs_f64();
        Ok::<_, Failure>((count, done, rate))
    };
    let mut rate = match attempt.rate {
        Some(rate) => rate,
        None => {
            let few = (FEW_BYTES / attempt.case.size as f64).clamp(FEW_MIN, FEW_MAX);
            let (_, _, rate) = timed(few)?;
            timed(rate * attempt.seconds / 10.0)?.2
        }
    };
    rate = timed(rate * attempt.seconds * WARM_UP)?.2;
    let (count, done, rate_to_come) = timed(rate * attempt.seconds)?;
    let received = done.received.unwrap_or(count);
    let rate = received.saturating_sub(1) as f64 / done.seconds.max(1e-9);
    Ok(Adapted { count, done, rate, rate_to_come })
}

/// A measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adapted {
    pub(crate) count: u64,
    pub(crate) done: Done,
    /// Messages per second, by the clock of the counting process.
    pub(crate) rate: f64,
    /// Messages per second, from which the next round computes the number of messages.
    pub(crate) rate_to_come: f64,
}

/// Returns a unique name for a socket's file in this run.
fn file_name() -> String {
    format!("{}.sock", NEXT.fetch_add(1, Ordering::Relaxed))
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The fraction of a measurement that is the warm-up.
const WARM_UP: f64 = 0.3;

/// The first rate to assume.
const FEW_BYTES: f64 = 4e6;
const FEW_MIN: f64 = 10.0;
const FEW_MAX: f64 = 1_000.0;
