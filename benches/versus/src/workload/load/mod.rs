//! Requests at a given rate, which does not depend on the replies: an open loop.
//!
//! Requests are planned for ticks of a timer, and latency counts from the planned time, also if
//! the client sends later. Otherwise a pause would delay requests without increasing their latency
//! ("coordinated omission").

mod calls;
mod requests;
mod schedule;
mod tally;

pub(crate) use self::calls::call;
pub(crate) use self::requests::{Pace, ask};
use crate::Failure;
use crate::case::{Load, Metric};
use crate::child::Child;
use crate::implementation::Implementation;
use crate::report::Done;
use crate::role::Part;
use crate::workload::awake::Awake;
use crate::workload::pair::Pair;
use crate::workload::{Attempt, Outcome};

/// Returns the rate of answered requests and, if it was sustained, their latency.
pub(crate) fn measure(attempt: &Attempt<'_>) -> Result<Outcome, Failure> {
    let server = match attempt.implementation {
        Implementation::Tonic => Part::Responder,
        _ => Part::Server,
    };
    let _awake = Awake::start(attempt)?;
    let mut pair = Pair::start(attempt, server, Part::Pacer)?;
    let pacer = &mut pair.connected;
    let rate = match attempt.case.load {
        Some(Load::PerSecond(rate)) => rate,
        Some(Load::Percent(percent)) => maximum(pacer, attempt.seconds)? as u64 * percent / 100,
        None => return Err("the case has no load".into()),
    };
    let rate = rate.max(1);
    let mut values = vec![(Metric::Rate, rate as f64)];
    if sustain(pacer, rate, seconds(rate, attempt.seconds * WARM_UP), SUSTAINED / 2.0)?.is_some()
        && let Some(done) = sustain(pacer, rate, seconds(rate, attempt.seconds), SUSTAINED)?
    {
        values.extend(latency(&done));
    }
    Ok(Outcome { values, rate: None })
}

/// Runs a rate. Returns `None` if fewer than this part of the replies are in time.
fn sustain(pacer: &mut Child, rate: u64, count: u64, part: f64) -> Result<Option<Done>, Failure> {
    let done = run(pacer, rate, count)?;
    let in_time = done.received.unwrap_or(0) as f64 >= count as f64 * part;
    Ok(in_time.then_some(done))
}

/// Returns the latency of a run.
pub(crate) fn latency(done: &Done) -> impl Iterator<Item = (Metric, f64)> {
    let values = [
        (Metric::Median, done.median),
        (Metric::WindowP99, done.window_p99),
        (Metric::P99, done.p99),
        (Metric::P999, done.p999),
    ];
    values.into_iter().filter_map(|(metric, value)| Some((metric, value?)))
}

/// Returns the rate with as many outstanding requests as possible.
pub(crate) fn maximum(pacer: &mut Child, duration: f64) -> Result<f64, Failure> {
    let mut rate = 0.0;
    let mut count = FEW;
    for _ in 0..3 {
        let done = run(pacer, AT_ONCE, count)?;
        rate = count as f64 / done.seconds.max(1e-9);
        count = seconds(rate as u64, duration * WARM_UP);
    }
    Ok(rate)
}

/// Sends `count` requests at a rate, and waits for all replies.
pub(crate) fn run(pacer: &mut Child, rate: u64, count: u64) -> Result<Done, Failure> {
    pacer.order(rate)?;
    pacer.order(count)?;
    pacer.done()
}

/// Returns the number of requests in some seconds.
pub(crate) fn seconds(rate: u64, seconds: f64) -> u64 {
    ((rate as f64 * seconds) as u64).max(FEW_MIN)
}

/// The greatest number of outstanding requests: half of the default high-water mark of most
/// implementations, above which a ROUTER of libzmq can drop replies. Further requests wait at the
/// client, and their latency counts.
const OUTSTANDING_MAX: u64 = 500;

/// The part of requests that are answered when the schedule ends, if a rate is sustained.
const SUSTAINED: f64 = 0.98;

/// The rate of a closed loop.
const AT_ONCE: u64 = 0;

/// The fraction of a measurement that is the warm-up.
const WARM_UP: f64 = 0.3;

/// The first number of requests, before a rate is known.
const FEW: u64 = 2_000;

const FEW_MIN: u64 = 10;
