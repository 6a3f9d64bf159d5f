//! What tells one socket type from another.

use zmtp_proto::socket_type::SocketType;

use crate::pipe::HighWaterMark;
use crate::routing::{OutgoingPipes, Strategy};

/// A socket type: its legal remotes and its strategies. [`verbs!`](super::verbs) gives it its methods.
pub(super) trait Kind: Sized + 'static {
    /// Which remotes the type accepts: see `SocketType::is_compatible_with`.
    const SOCKET_TYPE: SocketType;

    /// What a send names, and which pipes it picks.
    type Outgoing: Strategy + 'static;

    /// Creates the outgoing pipes of a new socket; `send_hwm` limits their queues.
    fn outgoing(send_hwm: HighWaterMark) -> OutgoingPipes<Self::Outgoing>;
}
