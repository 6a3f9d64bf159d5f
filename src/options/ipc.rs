//! Options of Unix domain sockets.

use crate::platform::unix_socket::FileAccess;

/// The options of every path that a socket binds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IpcOptions {
    pub(crate) access: FileAccess,
    /// Whether connections begin with a header of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
}
