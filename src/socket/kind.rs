//! The properties that distinguish socket types.

use zmtp_proto::socket_type::SocketType;

use super::Core;
use crate::options::Options;
use crate::pipe::HighWaterMark;
use crate::routing::{FairQueue, OutgoingPipes, Strategy};

/// A socket type: its legal remotes and its strategies. [`verbs!`](super::verbs) adds its methods.
pub(super) trait Kind: Sized + 'static {
    /// The type that is announced to remotes. `SocketType::is_compatible_with` lists its legal
    /// remotes.
    const SOCKET_TYPE: SocketType;

    /// The strategy that picks the pipes of a message, by a target that the sender names.
    type Outgoing: Strategy + 'static;

    /// Creates the outgoing pipes of a new socket; `send_hwm` limits their queues.
    fn outgoing(send_hwm: HighWaterMark) -> OutgoingPipes<Self::Outgoing>;

    /// Creates the incoming queue of a new socket; `recv_hwm` limits the messages of each remote,
    /// and `ended_hwm_bytes` those that all ended remotes leave. A type that never receives returns
    /// [`FairQueue::closed`].
    fn incoming(recv_hwm: HighWaterMark, ended_hwm_bytes: usize) -> FairQueue {
        FairQueue::new(recv_hwm, ended_hwm_bytes)
    }

    /// Applies the options of this type to a new socket.
    fn configure(_core: &Core<Self::Outgoing>, _options: &Options) {}
}
