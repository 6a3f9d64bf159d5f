//! Results, stored so that sections can be measured separately.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::case::{Case, Metric, Section};
use crate::implementation::Implementation;
use crate::statistics::Spread;

/// The results of several cases.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) measured: Vec<Measured>,
    pub(crate) problems: Vec<Problem>,
}

/// The results of one implementation in a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) case: Case,
    pub(crate) implementation: Implementation,
    pub(crate) metric: Metric,
    /// The value of each round; `None` if the round failed.
    pub(crate) rounds: Vec<Option<f64>>,
}

/// A case in which an implementation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) case: Case,
    pub(crate) implementation: Implementation,
    pub(crate) text: String,
}

impl Results {
    /// Reads the results of a section. They are empty if it was not measured.
    pub(crate) fn read(directory: &Path, section: Section) -> Result<Self, Failure> {
        match fs::read(directory.join(format!("{}.json", section.name()))) {
            Ok(json) => Ok(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores the results of a section. Older results of other cases are kept.
    pub(crate) fn write(&self, directory: &Path, section: Section) -> Result<(), Failure> {
        let mut kept = Self::read(directory, section)?;
        let is_replaced = |case: Case, implementation: Implementation| {
            self.measured.iter().any(|m| m.case == case && m.implementation == implementation)
                || self
                    .problems
                    .iter()
                    .any(|p| p.case == case && p.implementation == implementation)
        };
        kept.measured.retain(|m| !is_replaced(m.case, m.implementation));
        kept.problems.retain(|p| !is_replaced(p.case, p.implementation));
        kept.add(self.clone());
        fs::create_dir_all(directory)?;
        let path = directory.join(format!("{}.json", section.name()));
        Ok(fs::write(path, serde_json::to_vec_pretty(&kept)?)?)
    }

    /// Merges other results.
    pub(crate) fn add(&mut self, others: Self) {
        self.measured.extend(others.measured);
        self.problems.extend(others.problems);
    }

    /// Records the value of a round.
    pub(crate) fn record(
        &mut self,
        case: Case,
        implementation: Implementation,
        round: usize,
        (metric, value): (Metric, f64),
    ) {
        let is_match = |m: &Measured| {
            m.case == case && m.implementation == implementation && m.metric == metric
        };
        let at = self.measured.iter().position(is_match).unwrap_or_else(|| {
            self.measured.push(Measured { case, implementation, metric, rounds: Vec::new() });
            self.measured.len() - 1
        });
        let rounds = &mut self.measured[at].rounds;
        rounds.resize(rounds.len().max(round + 1), None);
        rounds[round] = Some(value);
    }

    /// Returns the values of all rounds.
    pub(crate) fn rounds(
        &self,
        case: Case,
        metric: Metric,
        implementation: Implementation,
    ) -> &[Option<f64>] {
        let is_match = |m: &&Measured| {
            m.case == case && m.metric == metric && m.implementation == implementation
        };
        self.measured.iter().find(is_match).map_or(&[], |measured| &measured.rounds)
    }

    /// Returns the median and the range of all rounds.
    pub(crate) fn spread(
        &self,
        case: Case,
        metric: Metric,
        implementation: Implementation,
    ) -> Option<Spread> {
        Spread::of(self.rounds(case, metric, implementation).iter().flatten().copied())
    }

    /// Returns the ratio of this crate's values to those of another implementation, round by round.
    pub(crate) fn ratio(
        &self,
        case: Case,
        metric: Metric,
        other: Implementation,
    ) -> Option<Spread> {
        Spread::of_ratios(
            self.rounds(case, metric, Implementation::TokioZmtp),
            self.rounds(case, metric, other),
        )
    }

    /// Returns whether an implementation did not sustain the load of a case in any round.
    pub(crate) fn is_too_slow(&self, case: Case, implementation: Implementation) -> bool {
        case.load.is_some()
            && !self.rounds(case, Metric::Rate, implementation).is_empty()
            && self.spread(case, Metric::P99, implementation).is_none()
    }

    /// Returns the reason for a missing value.
    pub(crate) fn problem(&self, case: Case, implementation: Implementation) -> Option<&str> {
        let is_match = |p: &&Problem| p.case == case && p.implementation == implementation;
        self.problems.iter().find(is_match).map(|problem| problem.text.as_str())
    }
}
