//! Options for `ipc` endpoints.

use super::Builder;

impl<S> Builder<S> {
    /// Sets the group that owns the file of every bound path of `ipc`, by number; `None` leaves it
    /// to the system, which uses that of the process or of the directory. Default: `None`. Unix
    /// only. (libzmq has no such option.)
    ///
    /// An unprivileged process can set only a group that it belongs to. See
    /// [`ipc_mode`](Self::ipc_mode).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().ipc_group(1_000).ipc_mode(0o660).build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn ipc_group(mut self, gid: impl Into<Option<u32>>) -> Self {
        self.options.ipc.access.group = gid.into();
        self
    }

    /// Sets the permissions of the file of every bound path of `ipc`, as for `chmod`: `0o660` for
    /// the owner and the group. `None` leaves them to the umask of the process. Default: `None`.
    /// Unix only. (libzmq has no such option: a program changes the file after `zmq_bind`, and
    /// until then clients connect as the umask allows.)
    ///
    /// They are set before the socket listens, regardless of the umask, so that no client connects
    /// without permission. On Linux a client needs permission to write the file, and to search the
    /// directories of the path. Other systems may check the directories only. The directory of
    /// `ipc://*` is accessible only to this user.
    ///
    /// [`BindError::FileOption`](crate::BindError::FileOption) names this option, `ipc_group` or
    /// `ipc_owner` if the system refuses the value, if the file system ignores it, if the mode is
    /// above `0o777`, or if the endpoint is an abstract name, which has no file. A listener that
    /// was created elsewhere ([`bind_from_std`](crate::Client::bind_from_std)) keeps its file as it
    /// is.
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
    pub fn ipc_mode(mut self, mode: impl Into<Option<u32>>) -> Self {
        self.options.ipc.access.mode = mode.into();
        self
    }

    /// Sets the user that owns the file of every bound path of `ipc`, by number; `None` leaves it
    /// to the system, which uses that of the process. Default: `None`. Unix only. (libzmq has no
    /// such option.)
    ///
    /// Only a privileged process can set a user other than its own. See
    /// [`ipc_mode`](Self::ipc_mode).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().ipc_owner(1_000).ipc_mode(0o600).build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn ipc_owner(mut self, uid: impl Into<Option<u32>>) -> Self {
        self.options.ipc.access.owner = uid.into();
        self
    }

    /// Sets whether every connection that is accepted through a path or abstract name of `ipc`
    /// begins with a header of the PROXY protocol, sent by a proxy on this machine. Default: false.
    /// Unix only. (libzmq has no such option.)
    ///
    /// A connection without a header is refused. Otherwise this works like
    /// [`proxy_protocol`](Self::proxy_protocol), which applies to TCP; the remote's
    /// [`credentials`](crate::Remote::credentials) are those of the proxy. A process that can
    /// connect can claim any address: restrict access with [`ipc_mode`](Self::ipc_mode).
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In the configuration of HAProxy: `server backend /run/backend.sock send-proxy-v2`
    /// let server = Server::builder().ipc_proxy_protocol(true).ipc_mode(0o660).build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn ipc_proxy_protocol(mut self, is_sent: bool) -> Self {
        self.options.ipc.proxy_protocol = is_sent;
        self
    }
}
