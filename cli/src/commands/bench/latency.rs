//! The time between requests and their replies, at a fixed rate.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::task::{self, JoinSet, LocalSet};
use tokio::time::{self, Instant};

use super::progress::Progress;
use super::requests::RequestSocket;
use super::{LatencyArguments, plot, svg};
use crate::exit::{Exit, Failure};
use crate::input;
use crate::output::{Stdout, notice};
use crate::signals;
use crate::socket::{Open, finish};

pub(super) async fn run(mut arguments: LatencyArguments) -> Result<(), Failure> {
    arguments.socket.take_endpoint(&mut arguments.request)?;
    if arguments.rate != 0.0 && !(LOWEST_RATE..=HIGHEST_RATE).contains(&arguments.rate) {
        let range = format!("--rate is zero, or from {LOWEST_RATE} to {HIGHEST_RATE} requests/s");
        return Err(Failure::usage(range));
    }
    let body = match arguments.request.as_slice() {
        [] => Bytes::from(vec![b'.'; arguments.size]),
        [body] => input::part(body)?,
        [_, more, ..] => {
            return Err(Failure::usage(format!("a request has one part, and `{more}` is another")));
        }
    };
    let mut sockets = Vec::new();
    let mut opened = Ok(());
    for _ in 0..arguments.connections.max(1) {
        match arguments.socket.open(arguments.style.socket_type()).await {
            Ok(open) => sockets.push(open),
            Err(failure) => {
                opened = Err(failure);
                break;
            }
        }
    }
    let mut ended = match opened {
        Ok(()) => LocalSet::new().run_until(measure(&arguments, &mut sockets, body)).await,
        failed => failed,
    };
    for open in sockets {
        ended = finish(open, ended).await;
    }
    ended
}

/// What the tasks share.
struct Measurement {
    /// The number of requests that are due before the end.
    next: Cell<u64>,
    /// The time between two requests; zero for requests one after another.
    interval: Duration,
    limit: Duration,
    histogram: RefCell<Histogram<u64>>,
    failures: Cell<u64>,
    failure: RefCell<Option<Failure>>,
}

async fn measure(
    arguments: &LatencyArguments,
    sockets: &mut [Open],
    body: Bytes,
) -> Result<(), Failure> {
    let limit = arguments.socket.timeout.unwrap_or(TIME_LIMIT);
    let requesting: Vec<_> = sockets
        .iter()
        .map(|open| Rc::new(RequestSocket::new(open.socket.clone(), arguments.style)))
        .collect();
    // The first request of each socket also waits for its connection.
    for (socket, open) in requesting.iter().zip(&mut *sockets) {
        let watch = open.watch.clone();
        let first = open.unless_refused(socket.request(body.clone(), limit)).await;
        first.map_err(|failure| match failure.exit {
            Exit::TimedOut => watch.timed_out(&failure.to_string()),
            _ => failure,
        })?;
    }
    let interval = if arguments.rate > 0.0 {
        Duration::from_secs_f64(1.0 / arguments.rate)
    } else {
        Duration::ZERO
    };
    let histogram = Histogram::new_with_bounds(1, HIGHEST.as_nanos() as u64, 3)
        .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
    let measurement = Rc::new(Measurement {
        next: Cell::new(0),
        interval,
        limit,
        histogram: RefCell::new(histogram),
        failures: Cell::new(0),
        failure: RefCell::new(None),
    });
    let begin = Instant::now();
    let from = begin + arguments.shared.warm_up;
    let end = from + arguments.shared.duration;
    let mut tasks = JoinSet::new();
    for socket in requesting {
        tasks.spawn_local(Rc::clone(&measurement).run(socket, body.clone(), begin, from, end));
    }
    let progress = Progress::start(end - begin);
    let shown = || format!("{} replies", measurement.histogram.borrow().len());
    tokio::select! {
        biased;
        () = progress.until(end, shown) => {}
        exit = signals::interrupted() => return Err(Failure::quiet(exit)),
    }
    drop(progress);
    tokio::select! {
        biased;
        () = async { while tasks.join_next().await.is_some() {} } => {}
        exit = signals::interrupted() => return Err(Failure::quiet(exit)),
    }
    let measured = (end - from).as_secs_f64();
    report(arguments, &measurement, measured)
}

impl Measurement {
    /// Makes the requests that are due, one at a time.
    async fn run(
        self: Rc<Self>,
        socket: Rc<RequestSocket>,
        body: Bytes,
        begin: Instant,
        from: Instant,
        end: Instant,
    ) {
        loop {
            let number = self.next.get();
            self.next.set(number + 1);
            let due = if self.interval.is_zero() {
                Instant::now()
            } else {
                begin + self.interval.mul_f64(number as f64)
            };
            if due >= end {
                return;
            }
            wait_until(due).await;
            let done = socket.request(body.clone(), self.limit).await;
            match done {
                Ok(()) if due >= from => {
                    let latency = due.elapsed().min(HIGHEST).as_nanos() as u64;
                    self.histogram.borrow_mut().saturating_record(latency.max(1));
                }
                Ok(()) => {}
                Err(failure) => {
                    self.failures.set(self.failures.get() + 1);
                    self.failure.borrow_mut().get_or_insert(failure);
                }
            }
        }
    }
}

/// Waits precisely: a timer has a resolution of one millisecond, which would count as latency.
async fn wait_until(due: Instant) {
    if let Some(sleep) = due.checked_duration_since(Instant::now() + TIMER_RESOLUTION) {
        time::sleep(sleep).await;
    }
    while Instant::now() < due {
        task::yield_now().await;
    }
}

fn report(
    arguments: &LatencyArguments,
    measurement: &Measurement,
    seconds: f64,
) -> Result<(), Failure> {
    let histogram = measurement.histogram.borrow();
    let failures = measurement.failures.get();
    if !histogram.is_empty() {
        let rate = histogram.len() as f64 / seconds;
        let text = if arguments.shared.json {
            let nanoseconds = |at: f64| histogram.value_at_percentile(at);
            json!({
                "requests": histogram.len(),
                "failures": failures,
                "seconds": seconds,
                "requests_per_second": rate,
                "latency_nanoseconds": {
                    "min": histogram.min(),
                    "mean": histogram.mean(),
                    "p50": nanoseconds(50.0),
                    "p90": nanoseconds(90.0),
                    "p99": nanoseconds(99.0),
                    "p99.9": nanoseconds(99.9),
                    "p99.99": nanoseconds(99.99),
                    "max": histogram.max(),
                },
            })
            .to_string()
        } else {
            let connections = arguments.connections.max(1);
            format!(
                "{} requests in {seconds:.1} s: {rate:.0} requests/s over {connections} connection{}\n{}",
                histogram.len(),
                if connections == 1 { "" } else { "s" },
                plot::percentiles(&histogram)
            )
        };
        let mut stdout = Stdout::open()?;
        stdout.append(|buffer| buffer.extend_from_slice(format!("{text}\n").as_bytes()))?;
        stdout.flush()?;
        if let Some(path) = &arguments.svg {
            std::fs::write(path, svg::percentiles(&histogram, rate)).map_err(|error| {
                Failure::new(Exit::Failure, format!("cannot write {}: {error}", path.display()))
            })?;
            notice::info(&format!("wrote {}", path.display()));
        }
        if arguments.rate > 0.0 && rate < arguments.rate * LOW_RATE {
            notice::warning("the rate was not reached; add --connections, or lower --rate");
        }
    }
    match measurement.failure.borrow().as_ref() {
        Some(failure) if failures > 1 => Err(Failure::new(
            Exit::Incomplete,
            format!("{failures} requests failed, the first because of: {failure}"),
        )),
        Some(failure) => {
            Err(Failure::new(Exit::Incomplete, format!("a request failed: {failure}")))
        }
        None => Ok(()),
    }
}

/// The time limit of a request, unless `--timeout` is given.
const TIME_LIMIT: Duration = Duration::from_secs(10);

const LOWEST_RATE: f64 = 0.001;

/// The resolution of a time.
const HIGHEST_RATE: f64 = 1e9;

/// The highest latency that is distinguished.
const HIGHEST: Duration = Duration::from_secs(3600);

const TIMER_RESOLUTION: Duration = Duration::from_millis(2);

/// The part of the rate below which the result is not that of the rate.
const LOW_RATE: f64 = 0.98;
