//! What can be set on the file of a Unix domain socket.

/// The options of every path that a socket binds. What is `None` is left to the system.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(unix), expect(dead_code, reason = "not every system has Unix domain sockets"))]
pub(crate) struct IpcOptions {
    pub(crate) group: Option<u32>,
    /// The lower nine bits, as `chmod` has them. By default the umask decides, as for every file.
    pub(crate) mode: Option<u32>,
    pub(crate) owner: Option<u32>,
}
