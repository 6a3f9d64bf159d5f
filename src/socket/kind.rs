//! The properties that distinguish socket types.

use std::time::Duration;

use zmtp_proto::socket_type::SocketType;

use super::Core;
use crate::options::Options;
use crate::routing::Strategy;

/// A socket type: its legal remotes and its strategies. [`verbs!`](super::verbs) adds its methods.
pub(super) trait Kind: Sized + 'static {
    /// The type that is announced to remotes. `SocketType::is_compatible_with` lists its legal
    /// remotes.
    const SOCKET_TYPE: SocketType;

    /// Whether sockets of this type receive messages. Otherwise, messages that a remote sends
    /// anyway are not queued.
    const RECEIVES: bool = true;

    /// How long sending may wait if no option limits it; `None` for no limit.
    const SEND_TIMEOUT: Option<Duration> = None;

    /// The strategy that picks the pipes of a message, by a target that the sender names.
    type Outgoing: Strategy + Default + 'static;

    /// Applies the options of this type to a new socket.
    fn configure(_core: &Core<Self::Outgoing>, _options: &Options) {}
}
