//! The form of a round trip: a number of nanoseconds, or nothing.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let nanoseconds: Option<u64> = Option::deserialize(deserializer)?;
    Ok(nanoseconds.map(Duration::from_nanos))
}

pub(super) fn serialize<S: Serializer>(
    round_trip: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    // More than 580 years do not fit.
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    round_trip.map(nanoseconds).serialize(serializer)
}
