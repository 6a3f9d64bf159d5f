//! Reports of measured processes to the measuring process: lines of JSON.

use serde::{Deserialize, Serialize};

use crate::usage::Usage;

/// A report of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The process is bound to this endpoint.
    Bound(String),
    /// The process is connected.
    Ready,
    /// A command is completed.
    Done(Done),
    /// The resource usage of the process.
    Used(Usage),
    /// The process has failed.
    Failed(String),
}

/// The result of a command.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The time from the first message to the last.
    pub(crate) seconds: f64,
    /// The messages that arrived, if others may have been dropped.
    pub(crate) received: Option<u64>,
    /// The median of the round trips in microseconds, if requests were sent one at a time.
    pub(crate) median: Option<f64>,
    /// The 99th percentile of the round trips in microseconds.
    pub(crate) p99: Option<f64>,
    /// The median of the 99th percentiles of short windows in microseconds.
    pub(crate) window_p99: Option<f64>,
    /// The 99.9th percentile of the round trips in microseconds.
    pub(crate) p999: Option<f64>,
    /// The percentage of clients without a reply.
    pub(crate) failed: Option<f64>,
    /// The 99th percentile of the round trips of an established connection in microseconds.
    pub(crate) established_p99: Option<f64>,
}

impl Report {
    /// Reports to the measuring process.
    #[expect(clippy::print_stdout, reason = "the measuring process reads it")]
    pub(crate) fn send(&self) {
        println!("{}", serde_json::to_string(self).expect("a report is JSON"));
    }
}

/// Reports the endpoint of a socket.
#[derive(Debug)]
pub(crate) struct Announce(());

impl Announce {
    pub(crate) fn new() -> Self {
        Self(())
    }

    pub(crate) fn endpoint(&self, endpoint: &str) {
        Report::Bound(endpoint.to_owned()).send();
    }
}
