//! The measured work, one file for each kind, and its measurement.

pub(crate) mod awake;
pub(crate) mod cost;
pub(crate) mod crowd;
pub(crate) mod fan_out;
pub(crate) mod flood;
pub(crate) mod handshakes;
pub(crate) mod idle;
pub(crate) mod load;
pub(crate) mod one_way;
pub(crate) mod pair;
pub(crate) mod requests;
pub(crate) mod rpc;
pub(crate) mod together;

use std::path::Path;

use crate::Failure;
use crate::case::{Case, Metric, Section, Transport};
use crate::implementation::Implementation;

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) case: Case,
    pub(crate) implementation: Implementation,
    /// Its duration after a warm-up.
    pub(crate) seconds: f64,
    /// Messages per second in an earlier round.
    pub(crate) rate: Option<f64>,
    /// The directory for the files of sockets.
    pub(crate) directory: &'a Path,
}

/// The result of a measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) values: Vec<(Metric, f64)>,
    /// Messages per second, for later rounds.
    pub(crate) rate: Option<f64>,
}

impl Attempt<'_> {
    /// Performs the measurement.
    pub(crate) fn measure(&self) -> Result<Outcome, Failure> {
        match (self.case.section, self.case.transport) {
            (Section::Throughput | Section::Latency | Section::Scatter, Transport::Inproc) => {
                together::measure(self)
            }
            (Section::Curve | Section::Lto, _) if self.case.outstanding > 0 => {
                requests::measure(self)
            }
            (
                Section::Throughput
                | Section::Curve
                | Section::FanIn
                | Section::Scatter
                | Section::Push
                | Section::Batches
                | Section::Lto
                | Section::Parts
                | Section::Websocket,
                _,
            ) => one_way::measure(self),
            (Section::Latency | Section::Pipelined | Section::Dealer | Section::Req, _) => {
                requests::measure(self)
            }
            (Section::Handshakes, _) => handshakes::measure(self),
            (Section::Floods, _) => flood::measure(self),
            (Section::Idle, _) => idle::measure(self),
            (Section::Cost, _) => cost::measure(self),
            (Section::Rpc, _) => rpc::measure(self),
            (Section::Load, _) => load::measure(self),
            (Section::Crowd, _) => crowd::measure(self),
            (Section::Groups | Section::Datagrams | Section::Topics, _) => fan_out::measure(self),
        }
    }
}
