//! Sections of documentation that the pages of several socket types share, each written once. Links
//! resolve in the module of the type.

/// The mute state of a socket that picks the remote among many. The arguments name the socket and
/// its remotes.
macro_rules! mute_state {
    ($socket:literal, $remote:literal) => {
        concat!(
            "# Mute state\n\nA ",
            $socket,
            " is mute while it has no remote, or while the queue of each remote holds \
             [`send_hwm`](Builder::send_hwm) messages. [`send`](Self::send) then waits until a \
             queue has room or a remote is added, and [`try_send`](Self::try_send) returns the \
             message. No message is dropped, and waiting senders are served in order.\n\nA ",
            $remote,
            " that the ",
            $socket,
            " *connected to* has its queue from the moment `connect` returns, whether or not the \
             connection is established: messages wait there for the connection or the reconnect. A ",
            $remote,
            " that connected to the ",
            $socket,
            " has a queue only while it is connected."
        )
    };
}

/// The mute states of a socket whose senders name the remote by its routing id.
macro_rules! mute_state_of_each_remote {
    ($socket:literal) => {
        concat!(
            "# Mute state\n\nA ",
            $socket,
            " has a mute state for each remote: while the queue of that remote holds \
             [`send_hwm`](Builder::send_hwm) messages, [`route`](Self::route) to it waits, and \
             [`try_route`](Self::try_route) returns the message. One slow remote never blocks the \
             others.\n\nSending to a routing id that is unknown, or whose remote has left, fails \
             immediately. Senders that already wait for the remote fail as well, and get their \
             messages back. The end of a remote is detected by reading or writing. While its queue \
             of received messages is full, nothing is read, and only writing detects it."
        )
    };
}

/// The only remote of a socket. The arguments are the name of the socket and its type.
macro_rules! only_remote {
    ($socket:literal, $type:literal) => {
        concat!(
            "# The only remote\n\nA ",
            $socket,
            " has at most one remote. While it has one, it refuses others during their handshake: \
             the other end receives an ERROR command with the reason `occupied`, and this end \
             reports the event [`HandshakeFailed`](crate::monitor::EventKind::HandshakeFailed) \
             with the reason [`Occupied`](crate::monitor::HandshakeFailure::Occupied). A refused ",
            $socket,
            " that connects retries, with growing delays up to \
             [`reconnect_interval_max`](Builder::reconnect_interval_max), and is admitted when the \
             first remote has left. A refused ",
            $type,
            " of libzmq does not retry.\n\n- A ",
            $socket,
            " that *connects* has its remote from the moment `connect` returns until it \
             [disconnects](Self::disconnect), whether or not the connection is established. With \
             [`immediate`](Builder::immediate), it has its remote while it attempts to connect and \
             while it is connected.\n- A ",
            $socket,
            " that *is bound* has its remote while it is connected: from before the end of its \
             handshake until its connection ends.\n- [`connect`](Self::connect) fails with \
             [`ConnectError::Occupied`](crate::error::ConnectError::Occupied) if the ",
            $socket,
            " has a remote. Disconnect the endpoint, or an accepted [remote](Self::remotes), \
             first. It then no longer counts, even if messages are still being written to it.\n- \
             [`connect_all`](Self::connect_all) does the same as `connect`, which tries every \
             address of a name.\n- A ",
            $socket,
            " can be bound to any number of endpoints, but accepts no connection while it \
             connects.\n\nA ",
            $type,
            " of libzmq that has another remote does not refuse a connection: its handshake \
             succeeds, and no message that is sent through it arrives. With heartbeats, such a \
             connection ends after the first message."
        )
    };
}

/// The mute state of a socket with one remote.
macro_rules! mute_state_of_only_remote {
    ($socket:literal) => {
        concat!(
            "# Mute state\n\nA ",
            $socket,
            " is mute while it has no remote, or while the queue of the remote holds \
             [`send_hwm`](Builder::send_hwm) messages. [`send`](Self::send) then waits until the \
             queue has room or a remote is added, and [`try_send`](Self::try_send) returns the \
             message. No message is dropped, and waiting senders are served in order.\n\nMessages \
             for a remote that the ",
            $socket,
            " *connected to* wait for the connection or the reconnect. Messages for a remote that \
             connected to the ",
            $socket,
            ", and that are not written when it leaves, are not sent to the next remote: they are \
             undelivered."
        )
    };
}

/// The limits of received messages of several parts.
macro_rules! parts {
    () => {
        "# Parts

A message is received whole. If the connection ends within a message, the parts that have arrived
are dropped.

Two options bound the memory that an incomplete message takes:
[`max_message_parts`](Builder::max_message_parts), and for all parts together
[`max_message_size`](Builder::max_message_size). A message that exceeds either ends the connection.
By default the number of parts is limited, but the size is not, as in libzmq. A service that remotes
can reach from other networks should set both."
    };
}

/// The stream of a socket that only receives.
macro_rules! stream {
    ($socket:literal, $messages:literal) => {
        concat!(
            "# Stream\n\nA `",
            $socket,
            "` is a [`Stream`](futures_core::Stream) of received ",
            $messages,
            ", which ends when the socket is closed."
        )
    };
}

/// The sink of a socket that only sends, and picks the remote.
macro_rules! sink {
    ($socket:literal, $handle:literal) => {
        concat!(
            "# Sink\n\nA `",
            $socket,
            "` is a [`Sink`](futures_sink::Sink). ",
            $crate::socket::sections::closed_sink!(),
            $crate::socket::sections::mute_sink!($handle)
        )
    };
}

/// The stream and the sink of a socket that picks the remote.
macro_rules! stream_and_sink {
    ($socket:literal, $handle:literal) => {
        concat!(
            "# Stream and Sink\n\nA `",
            $socket,
            "` is a [`Stream`](futures_core::Stream) of received messages, which ends when the \
             socket is closed, and a [`Sink`](futures_sink::Sink). ",
            $crate::socket::sections::closed_sink!(),
            $crate::socket::sections::mute_sink!($handle)
        )
    };
}

/// The stream and the sink of a socket whose messages name their remotes by routing ids.
macro_rules! stream_and_routing_sink {
    ($socket:literal) => {
        concat!(
            "# Stream and Sink\n\nA `",
            $socket,
            "` is a [`Stream`](futures_core::Stream) of received messages, which ends when the \
             socket is closed, and a [`Sink`](futures_sink::Sink) of messages that carry a routing \
             id: one that the socket received, or one created with \
             [`Message::with_routing_id`]. ",
            $crate::socket::sections::closed_sink!(),
            "\n\nThe sink waits while the queue of a remote is full, regardless of \
             [`send_timeout`](Builder::send_timeout). It fails when the socket is closed or the \
             remote of a message has left, and either failure ends a `StreamExt::forward` for all \
             remotes. To continue without remotes that have left or do not read, forward to \
             [`lossy`](Self::lossy)."
        )
    };
}

/// The end of every sink.
macro_rules! closed_sink {
    () => {
        "Closing the sink flushes it and leaves the socket open. An error contains the message that \
         was not sent. If that is an earlier one than the message that is fed, the sink keeps the \
         latter. A handle that is dropped with a message in its sink drops that message and counts \
         it in the [`CloseReport`]."
    };
}

/// How a sink waits and fails if its socket picks the remote.
macro_rules! mute_sink {
    ($handle:literal) => {
        concat!(
            "\n\nThe sink waits while the ",
            $handle,
            " is mute, regardless of [`send_timeout`](Builder::send_timeout). It fails only when \
             the socket is closed: remotes that come and go do not end a `StreamExt::forward`. It \
             waits before it accepts a message, but not if there was room when the previous one was \
             fed. If other senders have used this room, the sink keeps the message until there is \
             room again, and a flush waits for it. After a flush, a message is not accepted while \
             the ",
            $handle,
            " is mute.\n\n\
             Everything that converts into a message can be sent, so a method without an item has to \
             name its type: `SinkExt::<&str>::flush(&mut ",
            $handle,
            ")`."
        )
    };
}

macro_rules! cooperative_scheduling {
    () => {
        "# Cooperative scheduling

All operations participate in Tokio's cooperative scheduling: a task that sends or receives
without ever waiting yields about once in a thousand messages, or in four thousand messages of
batches."
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

[`close`](Self::close) closes the socket for all handles. Messages in its queues can still be
received. Those that were read while the queue of their remote was full are dropped, and counted as
[`unread`](crate::stats::Dropped::unread). Dropping the last handle closes the socket in the
background."
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
            " detects this only if [`heartbeat_interval`](Builder::heartbeat_interval) is set, \
             within the interval plus the timeout. By default, as in libzmq, it is not set",
            $($consequence),+
        )
    };
}

pub(super) use {
    closed_sink, cooperative_scheduling, ending, ending_of_receiver, mute_sink, mute_state,
    mute_state_of_each_remote, mute_state_of_only_remote, only_remote, parts, silent_failures,
    sink, stream, stream_and_routing_sink, stream_and_sink,
};
