//! A socket whose type is known when the program runs.

/// Declares the type that has a variant for each kind.
macro_rules! any_socket {
    ($($socket:ident $name:literal;)+) => {
        /// A socket of any kind, as started by [`SocketConfig::start`].
        ///
        /// It has the methods that all kinds share. Those that send and receive are methods of the
        /// socket in the variant.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AnySocket {
            $(
                #[doc = concat!("A ", $name, ".")]
                $socket($socket),
            )+
        }

        /// # Examples
        ///
        /// ```
        /// use std::time::Duration;
        ///
        /// use tokio_zmtp::SocketType;
        /// use tokio_zmtp::config::SocketConfig;
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let text = "type = 'push'\nbind = 'tcp://127.0.0.1:*'";
        /// let config: SocketConfig = toml::from_str(text)?;
        /// let socket = config.start().await?;
        /// assert_eq!(socket.socket_type(), SocketType::Push);
        ///
        /// let mut monitor = socket.monitor();
        /// # let text = format!("type = 'pull'\nconnect = '{}'", socket.last_endpoint().unwrap());
        /// # let remote = toml::from_str::<SocketConfig>(&text)?.start().await?;
        /// println!("waiting for a remote at {:?}", socket.last_endpoint());
        /// socket.remotes().connected_timeout(Duration::from_secs(5)).await?;
        /// println!("{:?}", socket.stats());
        /// println!("{:?}", monitor.recv().await);
        ///
        /// let report = socket.close().await;
        /// assert_eq!(report.undelivered, 0);
        /// # drop(remote);
        /// # Ok(())
        /// # }
        /// ```
        impl AnySocket {
            /// Returns the type that the socket announces to remotes.
            #[must_use]
            pub const fn socket_type(&self) -> SocketType {
                match self {
                    $(Self::$socket(_) => $socket::SOCKET_TYPE,)+
                }
            }

            /// Returns the endpoint that was bound or connected last. See
            /// [`Client::last_endpoint`].
            #[must_use]
            pub fn last_endpoint(&self) -> Option<Endpoint> {
                match self {
                    $(Self::$socket(socket) => socket.last_endpoint(),)+
                }
            }

            /// Returns the view of the connected remotes. See [`Client::remotes`].
            #[must_use]
            pub fn remotes(&self) -> Remotes<'_> {
                match self {
                    $(Self::$socket(socket) => socket.remotes(),)+
                }
            }

            /// Returns a stream of all later events of endpoints and connections. See
            /// [`Client::monitor`], and [`SocketConfig::start_with_monitor`] for earlier events.
            #[must_use]
            pub fn monitor(&self) -> Monitor {
                match self {
                    $(Self::$socket(socket) => socket.monitor(),)+
                }
            }

            /// Returns the statistics of the socket. See [`Client::stats`].
            #[must_use]
            pub fn stats(&self) -> Stats {
                match self {
                    $(Self::$socket(socket) => socket.stats(),)+
                }
            }

            /// Closes the socket, and waits until all queued messages are written, at most for the
            /// time of the option `linger`. See [`Client::close`].
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the socket is closed in the background.
            pub async fn close(&self) -> CloseReport {
                match self {
                    $(Self::$socket(socket) => socket.close().await,)+
                }
            }
        }
    };
}

pub(super) use any_socket;
