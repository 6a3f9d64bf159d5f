//! Times on the command line.

use std::time::Duration;

/// Reads a time such as `100ms` or `1m 30s`; a number without a unit means seconds.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as 100ms or 1m30s"))
}
