//! The series of metrics: what is published under a name, while it exists and after its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics::Label;

#[cfg(feature = "rpc")]
use crate::rpc::stats::{RequesterStats, ResponderStats};
use crate::socket::{Socket, StatsReader, StatsSample};
use crate::stats::Stats;

/// All series of a publisher.
#[derive(Debug, Default)]
pub(crate) struct AllSeries {
    pub(super) sockets: SeriesOf<Stats>,
    #[cfg(feature = "rpc")]
    pub(super) requesters: SeriesOf<RequesterStats>,
    #[cfg(feature = "rpc")]
    pub(super) responders: SeriesOf<ResponderStats>,
}

/// The statistics of all series at one time.
pub(super) struct AllSamples {
    sockets: Vec<(Key, Stats)>,
    #[cfg(feature = "rpc")]
    requesters: Vec<(Key, RequesterStats)>,
    #[cfg(feature = "rpc")]
    responders: Vec<(Key, ResponderStats)>,
}

/// Adds its statistics to the series of a publisher.
pub(crate) trait Meters {
    fn add_to(&self, series: &mut AllSeries, name: String);
}

/// Statistics that are published.
pub(super) trait Published: Default {
    /// Adds the statistics of another one.
    fn add(&mut self, other: &Self);

    /// Repeated every time, because the recorder may be installed after the publisher was created.
    fn describe();

    /// Publishes absolute values, so that no counts are missing if a recorder is installed late.
    fn publish(&self, key: &Key);
}

/// The labels that distinguish one series from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    name: Arc<str>,
    socket_type: &'static str,
}

/// The series with statistics of one type.
#[derive(Debug)]
pub(super) struct SeriesOf<T>(BTreeMap<Key, Series<T>>);

/// What was added with one name and socket type.
#[derive(Debug)]
struct Series<T> {
    readers: Vec<Box<dyn StatsReader<T>>>,
    /// The sum of the final statistics.
    ended: T,
}

impl AllSeries {
    pub(super) fn read(&mut self) -> AllSamples {
        AllSamples {
            sockets: self.sockets.read(),
            #[cfg(feature = "rpc")]
            requesters: self.requesters.read(),
            #[cfg(feature = "rpc")]
            responders: self.responders.read(),
        }
    }
}

impl AllSamples {
    pub(super) fn publish(&self) {
        publish(&self.sockets);
        #[cfg(feature = "rpc")]
        publish(&self.requesters);
        #[cfg(feature = "rpc")]
        publish(&self.responders);
    }
}

fn publish<T: Published>(samples: &[(Key, T)]) {
    T::describe();
    for (key, stats) in samples {
        stats.publish(key);
    }
}

impl Key {
    pub(super) fn new<S: Socket>(name: String) -> Self {
        Self { name: name.into(), socket_type: S::SOCKET_TYPE.as_str() }
    }

    pub(super) fn labels(&self, more: Option<(&'static str, &'static str)>) -> Vec<Label> {
        let mut labels = vec![
            Label::new("socket", Arc::clone(&self.name)),
            Label::from_static_parts("socket_type", self.socket_type),
        ];
        labels.extend(more.map(|(name, value)| Label::from_static_parts(name, value)));
        labels
    }
}

impl<T: Published> SeriesOf<T> {
    pub(super) fn add(&mut self, key: Key, reader: impl StatsReader<T> + 'static) {
        let new = || Series { readers: Vec::new(), ended: T::default() };
        self.0.entry(key).or_insert_with(new).readers.push(Box::new(reader));
    }

    fn read(&mut self) -> Vec<(Key, T)> {
        self.0.iter_mut().map(|(key, series)| (key.clone(), series.read())).collect()
    }
}

impl<T> Default for SeriesOf<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Published> Series<T> {
    /// Adds up all statistics, and removes the readers of final ones.
    fn read(&mut self) -> T {
        let Self { readers, ended } = self;
        let mut sum = T::default();
        readers.retain(|reader| match reader.read() {
            StatsSample::Final(stats) => {
                ended.add(&stats);
                false
            }
            StatsSample::Live(stats) => {
                sum.add(&stats);
                true
            }
        });
        sum.add(ended);
        sum
    }
}
