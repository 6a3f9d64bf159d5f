//! The options of requests.

use std::time::Duration;

/// The options of REQ.
#[derive(Clone, Debug)]
pub(crate) struct RequestOptions {
    /// How often a request is sent at most.
    pub(crate) attempts: u32,
    /// The time limit of each attempt.
    pub(crate) attempt_timeout: Option<Duration>,
    /// Whether requests carry an id, which remotes return with the reply.
    pub(crate) correlate: bool,
    /// The time limit of a request, with all its attempts.
    pub(crate) timeout: Option<Duration>,
}

impl Default for RequestOptions {
    fn default() -> Self {
        Self {
            // A request that is sent again can be carried out twice.
            attempts: 1,
            // With one attempt, the limit of the request suffices.
            attempt_timeout: None,
            // libzmq's default is false. REP and ROUTERs that return the envelope of a request
            // return the id. Only with it can several requests be in progress at one remote, and
            // late replies be distinguished from others.
            correlate: true,
            // libzmq waits indefinitely as well.
            timeout: None,
        }
    }
}
