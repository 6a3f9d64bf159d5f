//! Options of Unix domain sockets.

/// The options of every path that a socket binds. `None` leaves an option to the system.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(unix), expect(dead_code, reason = "not every system has Unix domain sockets"))]
pub(crate) struct IpcOptions {
    pub(crate) group: Option<u32>,
    /// The lower nine bits, as for `chmod`. By default the umask decides, as for every file.
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<u32>,
    /// Whether connections begin with a header of the PROXY protocol.
    pub(crate) proxy_protocol: bool,
}
