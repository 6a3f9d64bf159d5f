//! Sections of documentation that the pages of several socket types share, each written once. Links
//! resolve in the module of the type.

macro_rules! cooperative_scheduling {
    () => {
        "# Cooperative scheduling

All operations participate in Tokio's cooperative scheduling: a task that sends or receives
without ever waiting yields about once in a thousand messages."
    };
}

/// The end of a socket that can send.
macro_rules! ending {
    () => {
        "# Ending

[`close`](Self::close) closes the socket for all handles and waits until queued messages are
written. Dropping the last handle does the same in the background, as long as the runtime is
running."
    };
}

/// The end of a socket that only receives.
macro_rules! ending_of_receiver {
    () => {
        "# Ending

[`close`](Self::close) closes the socket for all handles. Received messages remain available.
Dropping the last handle closes the socket in the background."
    };
}

/// Failures that only heartbeats detect. The arguments name the socket and its remotes; further
/// ones end the sentence about the default in place of its usual end.
macro_rules! silent_failures {
    ($socket:literal, $remote:literal) => {
        $crate::socket::sections::silent_failures!(
            $socket,
            $remote,
            ": messages for that ",
            $remote,
            " wait, and no event reports the failure."
        )
    };
    ($socket:literal, $remote:literal, $($consequence:literal),+) => {
        concat!(
            "# Remotes that fail silently\n\nIf the process of a ",
            $remote,
            " hangs, or its host or network fails, the ",
            $socket,
            " notices only if [`heartbeat_interval`](Builder::heartbeat_interval) is set, \
             within the interval plus the timeout. By default, as in libzmq, it is not set",
            $($consequence),+
        )
    };
}

pub(super) use {cooperative_scheduling, ending, ending_of_receiver, silent_failures};
