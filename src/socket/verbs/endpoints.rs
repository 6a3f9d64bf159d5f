//! Endpoints: `bind`, `connect` and their opposites.

macro_rules! endpoint_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Endpoints
        ///
        /// A socket can have any number of bound and connected endpoints.
        impl $socket {
            /// Binds the socket to an endpoint, and returns it with the port that the system picked
            /// for `*`.
            ///
            /// Sockets of one process can share a TCP port, each with its own
            /// [resource](crate::guide::endpoints#resources).
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the endpoint may stay bound.
            ///
            /// # Errors
            ///
            /// [`BindError`](crate::BindError) if the endpoint is not valid, if its port cannot be
            /// shared, if the system refuses it, or if the socket is closed.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::new();")]
            #[doc = concat!("let endpoint = ", $handle, ".bind(\"tcp://127.0.0.1:*\").await?;")]
            /// assert!(endpoint.to_string().starts_with("tcp://127.0.0.1:"));
            /// # Ok(())
            /// # }
            /// ```
            pub async fn bind<E>(
                &self,
                endpoint: E,
            ) -> Result<zmtp_proto::endpoint::Endpoint, $crate::error::BindError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint = endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                self.0.core.control.bind(endpoint).await
            }

            /// Accepts connections through a listener that was created elsewhere, and returns its
            /// endpoint, by which it can be unbound.
            ///
            /// The listener is a [`TcpListener`](std::net::TcpListener) or, on Unix, a
            /// [`UnixListener`](std::os::unix::net::UnixListener). It need not be non-blocking. The
            /// TCP options of the socket are set on it, except
            /// [`backlog`](crate::Builder::backlog), which it has already. The file of a Unix
            /// domain socket is left to its creator.
            ///
            /// systemd passes listeners to a program through the variable `LISTEN_FDS`, for example
            /// if the program is started on demand, or restarted without closing its port. The
            /// crate `listenfd` reads them.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the listener may stay in use.
            ///
            /// # Errors
            ///
            /// [`BindError`](crate::BindError) if the system refuses the listener or an option, if
            /// the listener has no name that can be written as an endpoint, or if the socket is
            /// closed.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let mut passed = listenfd::ListenFd::from_env();
            /// if let Some(listener) = passed.take_tcp_listener(0)? {
            #[doc = concat!("    ", $handle, ".bind_from_std(listener).await?;")]
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub async fn bind_from_std(
                &self,
                listener: impl Into<$crate::platform::StdListener>,
            ) -> Result<zmtp_proto::endpoint::Endpoint, $crate::error::BindError> {
                let listener = listener.into();
                self.0.core.control.bind_from_std(listener).await
            }

            /// Connects the socket to an endpoint, and reconnects whenever the connection breaks.
            ///
            /// Returns as soon as the endpoint is registered, whether or not a remote is listening:
            /// messages are queued for it from now on. To wait for the connection, use
            /// [`remotes().connected_timeout()`](crate::Remotes::connected_timeout), whose error
            /// contains the reason of the last failure. Connecting to one endpoint twice creates
            /// two connections.
            ///
            /// The socket reconnects indefinitely, unless
            /// [`reconnect_stop`](crate::Builder::reconnect_stop) ends the attempts, or the remote
            /// refuses this socket by an ERROR command: for example because its key is not
            /// admitted. (The reasons `occupied` and `duplicate identity` may be temporary, and are
            /// retried.) The endpoint is then abandoned: the
            /// [monitor](Self::monitor) reports
            /// [`EventKind::Closed`](crate::monitor::EventKind::Closed),
            /// [`remotes().connected()`](crate::Remotes::connected) and its variants return
            /// [`NoRemoteError::Failed`](crate::NoRemoteError::Failed) with the reason, and
            /// operations that wait for a remote continue to wait, as without an endpoint. Only
            /// requests of a [`Req`](crate::Req) and calls of a `Requester` fail.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the endpoint may stay connected.
            ///
            /// # Errors
            ///
            /// [`ConnectError`](crate::ConnectError) if the endpoint is not valid or can only be
            /// bound, or if the socket is closed. It is not an error if no remote is listening.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::new();")]
            #[doc = concat!($handle, ".connect(\"tcp://192.0.2.1:5555\").await?;")]
            #[doc = concat!(
                "assert_eq!(", $handle, ".last_endpoint(), Some(\"tcp://192.0.2.1:5555\".parse()?));"
            )]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn connect<E>(&self, endpoint: E) -> Result<(), $crate::error::ConnectError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint = endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                self.0.core.control.connect(endpoint).await
            }

            /// Connects the socket to an endpoint whose streams a [`Dialer`](crate::Dialer) of the
            /// application establishes: through TLS, an SSH tunnel, a vsock, or a simulated network.
            ///
            /// Otherwise it is like [`connect`](Self::connect): the socket dials again whenever the
            /// connection breaks, with the same back-off, events, statistics and time limits. The
            /// endpoint names the connection in events and for [`disconnect`](Self::disconnect), and
            /// is passed to the dialer. It can be any endpoint of `tcp`, `ipc` or `stream`, where
            /// the name after `stream://` is chosen freely.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the endpoint may stay connected.
            ///
            /// # Errors
            ///
            /// [`ConnectError`](crate::ConnectError) if the endpoint is not valid, can only be
            /// bound, or is dialed by the socket itself, or if the socket is closed. It is not an
            /// error if the dialer fails: it is called again.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::sync::Mutex;
            ///
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let (near, far) = tokio::io::duplex(65_536);
            /// let streams = Mutex::new(vec![near]);
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::new();")]
            #[doc = concat!($handle, ".connect_with(\"stream://simulated\", move |_| {")]
            ///     let stream = streams.lock().unwrap().pop();
            ///     async move { stream.ok_or(std::io::ErrorKind::ConnectionRefused.into()) }
            /// })
            /// .await?;
            /// # drop(far);
            /// # Ok(())
            /// # }
            /// ```
            pub async fn connect_with<E>(
                &self,
                endpoint: E,
                dialer: impl $crate::transport::Dialer,
            ) -> Result<(), $crate::error::ConnectError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint = endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                let dialer = $crate::transport::SharedDialer::new(dialer);
                self.0.core.control.connect_with(endpoint, dialer).await
            }

            /// Adds the remote at the other end of a stream that the application has established,
            /// as if the socket had accepted it. Returns the id of the connection.
            ///
            /// Any stream of bytes in both directions converts into a
            /// [`RemoteStream`](crate::RemoteStream), which can also hold what the application
            /// knows about the remote. Returns before the handshake, whose outcome is an event of
            /// the [monitor](Self::monitor) with this id;
            /// [`remotes().connected()`](crate::Remotes::connected) waits for it. When the
            /// connection ends, the socket drops the stream, and the remote is not dialed again:
            /// for that, see [`connect_with`](Self::connect_with).
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the stream may stay attached or be
            /// dropped.
            ///
            /// # Errors
            ///
            /// [`AttachError`](crate::AttachError) if the socket is closed. The stream is dropped.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let (near, far) = tokio::io::duplex(65_536);
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::new();")]
            #[doc = concat!("let connection_id = ", $handle, ".attach(near).await?;")]
            /// # drop(far);
            /// # Ok(())
            /// # }
            /// ```
            pub async fn attach(
                &self,
                stream: impl Into<$crate::transport::RemoteStream>,
            ) -> Result<$crate::connection_id::ConnectionId, $crate::error::AttachError> {
                self.0.core.control.attach(stream.into()).await
            }

            /// Connects the socket to every address of a host name, each with its own queue, and
            /// follows the name: added addresses are connected, removed ones disconnected.
            ///
            /// Use it for a name that stands for many hosts, such as a headless service of
            /// Kubernetes; [`connect`](Self::connect) connects to one of them. The name is resolved
            /// immediately, every [`resolve_interval`](crate::Builder::resolve_interval), and when
            /// one of its connections ends. If a lookup fails, the addresses are kept, and the
            /// lookup is repeated after the delays of a reconnect.
            ///
            /// Returns as soon as the endpoint is registered, before an address is known. Remotes
            /// and events of connections have the endpoint of the address that was dialed. An
            /// endpoint without a name is connected as by [`connect`](Self::connect).
            /// [`disconnect`](Self::disconnect), with the same endpoint, removes all its addresses
            /// and the name.
            ///
            /// Removed addresses are disconnected as by `disconnect`: replies that have not arrived
            /// are lost. The crate
            /// [`tokio-zmtp-discovery`](https://docs.rs/tokio-zmtp-discovery) waits for them, and
            /// also follows SRV records and other registries.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the endpoint may stay connected.
            ///
            /// # Errors
            ///
            /// [`ConnectError`](crate::ConnectError) as from [`connect`](Self::connect).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".connect_all(\"tcp://workers.example.org:5555\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn connect_all<E>(
                &self,
                endpoint: E,
            ) -> Result<(), $crate::error::ConnectError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint = endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                self.0.core.control.connect_all(endpoint).await
            }

            /// Stops listening on an endpoint, and ends the connections that were accepted through
            /// it.
            ///
            /// The endpoint can be written as it was passed to `bind`, or as `bind` returned it.
            /// When this returns, the address is free, unless other sockets share the port.
            /// Messages queued for those connections are written in the background, within
            /// [`linger`](crate::Builder::linger). Messages received from them remain available.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the endpoint is still unbound.
            ///
            /// # Errors
            ///
            /// [`UnbindError`](crate::UnbindError) if the socket is not bound to the endpoint, or
            /// is closed.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let endpoint = ", $handle, ".bind(\"tcp://127.0.0.1:*\").await?;")]
            #[doc = concat!($handle, ".unbind(&endpoint).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn unbind<E>(&self, endpoint: E) -> Result<(), $crate::error::UnbindError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint = endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                self.0.core.control.unbind(endpoint).await
            }

            /// Ends all connections to an endpoint, and does not reconnect.
            ///
            /// Messages queued for those connections are written in the background, within
            /// [`linger`](crate::Builder::linger). Messages received from them remain available.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the endpoint is still disconnected.
            ///
            /// # Errors
            ///
            /// [`DisconnectError`](crate::DisconnectError) if the socket is not connected to the
            /// endpoint, or is closed.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".connect(\"tcp://192.0.2.1:5555\").await?;")]
            #[doc = concat!($handle, ".disconnect(\"tcp://192.0.2.1:5555\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn disconnect<E>(
                &self,
                endpoint: E,
            ) -> Result<(), $crate::error::DisconnectError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint = endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                self.0.core.control.disconnect(endpoint).await
            }

            /// Returns the endpoint that was bound or connected last, with the port that the system
            /// picked; `None` before the first.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".connect(\"tcp://192.0.2.1:5555\").await?;")]
            #[doc = concat!(
                "assert_eq!(", $handle, ".last_endpoint(), Some(\"tcp://192.0.2.1:5555\".parse()?));"
            )]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn last_endpoint(&self) -> Option<zmtp_proto::endpoint::Endpoint> {
                self.0.core.control.last_endpoint()
            }
        }
    };
}

pub(in crate::socket) use endpoint_verbs;
