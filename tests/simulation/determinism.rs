//! The simulation itself.

use crate::accounting;
use crate::scenario::run;

#[test]
fn the_same_seed_leads_to_the_same_trace() {
    for seed in 0..20 {
        let [first, second] = [(), ()].map(|()| run(seed, |net| accounting::exchange(net, seed)));
        let differs = first.iter().zip(&second).position(|(first, second)| first != second);
        if let Some(at) = differs {
            panic!("SEED={seed}, line {at}: {} / {}", first[at], second[at]);
        }
        assert_eq!(first.len(), second.len());
    }
}

#[test]
fn different_seeds_lead_to_different_traces() {
    let [first, second] = [1, 2].map(|seed| run(seed, |net| accounting::exchange(net, seed)));
    assert_ne!(first, second);
}
