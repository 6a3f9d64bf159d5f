//! The work: one file for each kind, with what the measured processes do, and with how that is
//! measured.

pub(crate) mod cost;
pub(crate) mod idle;
pub(crate) mod one_way;
pub(crate) mod pair;
pub(crate) mod requests;
pub(crate) mod rpc;
pub(crate) mod together;

use std::path::Path;

use crate::Failure;
use crate::case::{Case, Metric, Section, Transport};
use crate::implementation::Implementation;

/// One measurement to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) case: Case,
    pub(crate) implementation: Implementation,
    /// How long it may take, after a warm-up.
    pub(crate) seconds: f64,
    /// Messages in a second, from an earlier round.
    pub(crate) rate: Option<f64>,
    /// Where sockets have their files.
    pub(crate) directory: &'a Path,
}

/// What a measurement told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) values: Vec<(Metric, f64)>,
    /// Messages in a second, for the rounds to come.
    pub(crate) rate: Option<f64>,
}

impl Attempt<'_> {
    /// Makes the measurement.
    pub(crate) fn measure(&self) -> Result<Outcome, Failure> {
        match (self.case.section, self.case.transport) {
            (Section::Throughput | Section::Latency, Transport::Inproc) => together::measure(self),
            (Section::Throughput | Section::Curve | Section::FanIn, _) => one_way::measure(self),
            (Section::Latency | Section::Pipelined, _) => requests::measure(self),
            (Section::Idle, _) => idle::measure(self),
            (Section::Cost, _) => cost::measure(self),
            (Section::Rpc, _) => rpc::measure(self),
        }
    }
}
