//! Connections of clients while an attacker floods the server with handshakes of CURVE.

mod attacker;
mod probe;

use std::thread;
use std::time::Duration;

pub(crate) use self::attacker::attack;
pub(crate) use self::probe::probe;
use crate::Failure;
use crate::case::Metric;
use crate::child::Child;
use crate::role::Part;
use crate::workload::pair::role;
use crate::workload::{Attempt, Outcome};

/// Returns what a flood costs the server, and how long its clients wait meanwhile.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let mut role = role(attempt, Part::Server)?;
    role.core = Some(SERVER_CORE);
    let mut server = Child::spawn(&role)?;
    role.endpoint = server.bound()?;
    role.core = Some(CLIENT_CORE);
    role.part = Part::Probe;
    let mut probe = Child::spawn(&role)?;
    probe.ready()?;
    role.part = Part::Attacker;
    let mut attacker = match attempt.case.flood {
        Some(_) => Some(Child::spawn(&role)?),
        None => None,
    };
    let milliseconds = (attempt.seconds * 1e3) as u64;
    if let Some(attacker) = &mut attacker {
        attacker.ready()?;
        attacker.order(milliseconds + RAMP.as_millis() as u64 * 2)?;
        thread::sleep(RAMP);
    }
    let before = server.used()?.processor;
    probe.order(milliseconds)?;
    let probed = probe.done()?;
    let used = server.used()?.processor - before;
    let mut values = Vec::new();
    if let Some(attacker) = &mut attacker {
        let attacks = attacker.done()?;
        let rate = attacks.received.unwrap_or(0) as f64 / attacks.seconds;
        values.push((Metric::Attacks, rate));
        values.push((Metric::Handshake, used * 1e6 / (rate * probed.seconds).max(1.0)));
    }
    let of_probe = [
        (Metric::ConnectMedian, probed.median),
        (Metric::ConnectP99, probed.p99),
        (Metric::Failed, probed.failed),
        (Metric::EstablishedP99, probed.established_p99),
    ];
    values.extend(of_probe.into_iter().filter_map(|(metric, value)| Some((metric, value?))));
    Ok(Outcome { values, rate: None })
}

/// The time in which the queues of the server fill.
const RAMP: Duration = Duration::from_millis(500);

const SERVER_CORE: usize = 0;
const CLIENT_CORE: usize = 1;
