//! Medians, quantiles and ratios of rounds.

/// The median of several rounds and their range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    /// Computes the median of the given rounds. Returns `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        Some(Self {
            median: quantile(&values, 0.5)?,
            least: *values.first()?,
            greatest: *values.last()?,
        })
    }

    /// Divides each round by the neighboring round of another implementation, because noise affects
    /// both.
    pub(crate) fn of_ratios(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<Self> {
        let pairs = ours.iter().zip(theirs);
        let pairs = pairs.filter_map(|(ours, theirs)| Some(((*ours)?, (*theirs)?)));
        Self::of(pairs.filter(|&(_, theirs)| theirs != 0.0).map(|(ours, theirs)| ours / theirs))
    }
}

/// Returns a quantile of sorted values.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    if part == 0.5 && last % 2 == 1 {
        return Some((sorted[last / 2] + sorted[last / 2 + 1]) / 2.0);
    }
    sorted.get((last as f64 * part).round() as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).map(|spread| spread.median), Some(2.5));
    }

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_round_that_failed_has_no_ratio() {
        let ratios = Spread::of_ratios(&[Some(4.0), None], &[Some(2.0), Some(1.0)]);
        assert_eq!(ratios, Some(Spread { median: 2.0, least: 2.0, greatest: 2.0 }));
    }
}
