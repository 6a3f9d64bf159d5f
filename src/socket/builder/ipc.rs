//! Options of `ipc`.

use super::Builder;

impl<S> Builder<S> {
    /// Sets the group that owns the file of every path of `ipc` that is bound, by its number; `None` leaves
    /// it to the system, which takes that of the process or of the directory. Default: `None`. Unix only.
    /// (libzmq has no such option.)
    ///
    /// A process that is not privileged can set only a group that it is in. See
    /// [`ipc_mode`](Self::ipc_mode).
    #[cfg(unix)]
    pub fn ipc_group(mut self, gid: impl Into<Option<u32>>) -> Self {
        self.options.ipc.group = gid.into();
        self
    }

    /// Sets the permissions of the file of every path of `ipc` that is bound, as `chmod` has them: `0o660`
    /// for the owner and the group. `None` leaves them to the umask of the process. Default: `None`. Unix
    /// only. (libzmq has no such option: a program changes the file after `zmq_bind`, and until then clients
    /// connect as the umask allows.)
    ///
    /// They are set before the socket listens, whatever the umask is, so that no client connects that has no
    /// permission. On Linux a client needs the permission to write, and to search the directories of the
    /// path; other systems may look at the directories only. That of `ipc://*` is for this user alone.
    ///
    /// [`BindError::FileOption`](crate::BindError::FileOption) names this option, `ipc_group` or `ipc_owner`
    /// if the system refuses the value, if the file system ignores it, if it is above `0o777`, or if the
    /// endpoint is an abstract name, which has no file. A listener that was created elsewhere
    /// ([`bind_from_std`](crate::Socket::bind_from_std)) keeps its file as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().ipc_mode(0o660).bind("ipc://*").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(unix)]
    pub fn ipc_mode(mut self, mode: impl Into<Option<u32>>) -> Self {
        self.options.ipc.mode = mode.into();
        self
    }

    /// Sets the user that owns the file of every path of `ipc` that is bound, by its number; `None` leaves it
    /// to the system, which takes that of the process. Default: `None`. Unix only. (libzmq has no such
    /// option.)
    ///
    /// Only a privileged process can set another user than its own. See [`ipc_mode`](Self::ipc_mode).
    #[cfg(unix)]
    pub fn ipc_owner(mut self, uid: impl Into<Option<u32>>) -> Self {
        self.options.ipc.owner = uid.into();
        self
    }

    /// Sets whether every connection that is accepted through a path or abstract name of `ipc` begins with a
    /// header of the PROXY protocol, as one from a proxy on this machine does. Default: false. Unix only.
    /// (libzmq has no such option.)
    ///
    /// A connection without a header is refused. Everything else is as with
    /// [`proxy_protocol`](Self::proxy_protocol), which is for TCP; the remote's
    /// [`credentials`](crate::Remote::credentials) are those of the proxy. Who may connect, and so may claim
    /// any address, is what [`ipc_mode`](Self::ipc_mode) says.
    #[cfg(unix)]
    pub fn ipc_proxy_protocol(mut self, is_sent: bool) -> Self {
        self.options.ipc.proxy_protocol = is_sent;
        self
    }
}
