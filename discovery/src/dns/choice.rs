//! The endpoints of a service to which one client connects, if it does not connect to all.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use tokio_zmtp::Endpoint;

/// A random choice in proportion to weights (weighted rendezvous hashing).
///
/// The key of an endpoint depends on the seed, the endpoint and its weight, but not on the other
/// endpoints. A change of one record therefore moves at most one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) seed: u64,
    pub(super) at_most: usize,
}

/// An endpoint, and the weight of its record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Weighted {
    pub(super) endpoint: Endpoint,
    pub(super) weight: u16,
}

impl Choice {
    /// Returns the endpoints with the smallest keys.
    pub(super) fn choose(self, candidates: impl Iterator<Item = Weighted>) -> Vec<Endpoint> {
        let mut keyed: Vec<_> = candidates.map(|one| (self.key(&one), one.endpoint)).collect();
        keyed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let mut seen = HashSet::new();
        let endpoints = keyed.into_iter().map(|(_, endpoint)| endpoint);
        endpoints.filter(|endpoint| seen.insert(endpoint.clone())).take(self.at_most).collect()
    }

    /// Returns a random time with an exponential distribution, whose rate is the weight. The
    /// probability that it is the smallest of several is the share of the weight in their sum.
    fn key(self, candidate: &Weighted) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, &candidate.endpoint).hash(&mut hasher);
        let uniform = fastrand::Rng::with_seed(hasher.finish()).f64();
        let weight = if candidate.weight == 0 { ZERO } else { candidate.weight.into() };
        // Above zero, and at most one.
        -(1.0 - uniform).ln() / weight
    }
}

/// The weight of records with the weight 0, which "should have a very small chance of being
/// selected" (RFC 2782).
const ZERO: f64 = 0.01;

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns endpoints with these weights, whose ports are 1, 2, ….
    fn weighted(weights: &[u16]) -> Vec<Weighted> {
        let ports = 1_u16..;
        ports.zip(weights).map(|(port, &weight)| Weighted { endpoint: at(port), weight }).collect()
    }

    fn at(port: u16) -> Endpoint {
        format!("tcp://host.example.org:{port}").parse().unwrap()
    }

    fn chosen(seed: u64, at_most: usize, candidates: &[Weighted]) -> HashSet<Endpoint> {
        let endpoints = Choice { seed, at_most }.choose(candidates.iter().cloned());
        let set: HashSet<_> = endpoints.iter().cloned().collect();
        assert_eq!(set.len(), endpoints.len());
        set
    }

    /// Returns how many of 10,000 clients choose each endpoint.
    fn clients(at_most: usize, candidates: &[Weighted]) -> Vec<i32> {
        let choices: Vec<_> = (0..10_000).map(|seed| chosen(seed, at_most, candidates)).collect();
        let count = |one: &Weighted| {
            choices.iter().map(|choice| i32::from(choice.contains(&one.endpoint))).sum()
        };
        candidates.iter().map(count).collect()
    }

    #[test]
    fn many_clients_choose_in_proportion_to_the_weights() {
        let counts = clients(1, &weighted(&[100, 300, 600, 0]));
        // Four standard deviations are at most 200.
        for (count, expected) in counts.iter().zip([1_000, 3_000, 6_000]) {
            assert!((count - expected).abs() < 200, "{counts:?}");
        }
        assert!(counts[3] < 10, "{counts:?}");
        // Equal weights, also if all are zero.
        for weights in [[7; 10], [0; 10]] {
            let counts = clients(3, &weighted(&weights));
            assert!(counts.iter().all(|count| (count - 3_000).abs() < 200), "{counts:?}");
        }
        // A weight of zero is chosen rather than no endpoint.
        assert_eq!(clients(2, &weighted(&[65_535, 0])), [10_000, 10_000]);
    }

    #[test]
    fn a_change_of_one_record_moves_at_most_one_connection() {
        let all = weighted(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 65_535]);
        let mut moved = 0;
        for seed in 0..1_000 {
            let before = chosen(seed, 4, &all);
            for changed in 0..all.len() {
                let endpoint = &all[changed].endpoint;
                let mut fewer = all.clone();
                fewer.remove(changed);
                // With another weight, or removed.
                let mut other = all.clone();
                other[changed].weight = 20;
                for after in [chosen(seed, 4, &fewer), chosen(seed, 4, &other)] {
                    let lost: Vec<_> = before.difference(&after).collect();
                    let gained: Vec<_> = after.difference(&before).collect();
                    assert!(lost.len() <= 1 && gained.len() == lost.len());
                    assert!(lost.is_empty() || lost[0] == endpoint || gained[0] == endpoint);
                    moved += lost.len();
                }
            }
        }
        assert!(moved > 0);
    }

    #[test]
    fn all_endpoints_are_chosen_if_there_are_not_more() {
        let few = weighted(&[5, 0, 1]);
        for at_most in [3, 4, usize::MAX] {
            assert_eq!(chosen(1, at_most, &few).len(), 3);
        }
        assert_eq!(chosen(1, 0, &few).len(), 0);
        // The same endpoint in several records counts once.
        let twice = [few.clone(), few].concat();
        assert_eq!(chosen(1, 3, &twice).len(), 3);
    }
}
