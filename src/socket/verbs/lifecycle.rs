//! How a socket is created and ends, and the traits that all types have.

/// The hidden first line of an example that gets a handle.
macro_rules! example {
    ($socket:ident, $handle:literal) => {
        concat!(
            "# async fn example(",
            $handle,
            ": tokio_zmtp::",
            stringify!($socket),
            ") -> Result<(), Box<dyn std::error::Error>> {"
        )
    };
}

/// The hidden first line of an example that gets a handle and a group.
macro_rules! group_example {
    ($socket:ident, $handle:literal) => {
        concat!(
            "# async fn example(",
            $handle,
            ": tokio_zmtp::",
            stringify!($socket),
            ", weather: tokio_zmtp::Group) -> Result<(), Box<dyn std::error::Error>> {"
        )
    };
}

macro_rules! constructors {
    ($socket:ident, $handle:literal) => {
        /// # Creation
        impl $socket {
            /// Creates a socket with default options. It has no endpoint yet.
            ///
            /// The socket belongs to the current runtime: its connections and timers run there. Its
            /// handles can be used anywhere.
            ///
            /// # Panics
            ///
            /// Outside of a Tokio runtime with IO and time enabled. A thread outside of Tokio can
            /// [enter](tokio::runtime::Handle::enter) one first.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::new();")]
            #[doc = concat!($handle, ".bind(\"tcp://127.0.0.1:*\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            #[expect(clippy::new_without_default, reason = "it starts a task and may panic")]
            #[must_use]
            #[track_caller]
            pub fn new() -> Self {
                Self::builder().build()
            }

            /// Returns a [`Builder`](crate::Builder), which sets the options of a new socket.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() {
            #[doc = concat!(
                "let ", $handle, " = ", stringify!($socket), "::builder().linger(None).build();"
            )]
            #[doc = concat!("assert_eq!(", $handle, ".linger(), None);")]
            /// # }
            /// ```
            pub fn builder() -> $crate::socket::Builder<Self> {
                $crate::socket::Builder::new()
            }
        }
    };
}

macro_rules! ending {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Ending
        impl $socket {
            /// Closes the socket for all its handles, and waits until all queued messages are
            /// written or [`linger`](crate::Builder::linger) expires: 30 seconds by default.
            ///
            /// Messages for a remote that cannot be reached delay the end until then. To close
            /// sooner, call [`set_linger`](Self::set_linger) first.
            ///
            /// Nothing can be sent afterwards. Received messages remain available. The report
            /// states how many messages could not be written.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the socket continues to close in the background.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let report = ", $handle, ".close().await;")]
            /// assert_eq!(report.undelivered, 0);
            /// # Ok(())
            /// # }
            /// ```
            pub async fn close(&self) -> $crate::socket::CloseReport {
                self.0.core.control.close().await
            }

            /// Closes the socket like [`close`](Self::close), and returns the messages that could
            /// not be written, in the order of the queues of their remotes.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the socket continues to close in the background, and those
            /// messages are lost.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!(
                        "let (report, undelivered) = ", $handle, ".close_with_undelivered().await;"
                    )]
            /// for message in undelivered {
            ///     println!("not written: {message:?}");
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub async fn close_with_undelivered(
                &self,
            ) -> ($crate::socket::CloseReport, Vec<$message>) {
                let (report, undelivered) = self.0.core.control.close_with_undelivered().await;
                let from = $crate::socket::receiving::undelivered::<$message>;
                (report, undelivered.into_iter().map(from).collect())
            }
        }
    };
}

macro_rules! shared_traits {
    ($socket:ident) => {
        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl $crate::socket::bounds::sealed::Sealed for $socket {
            fn start(options: $crate::options::Options) -> Self {
                Self($crate::socket::Handle::start(options))
            }

            fn control(&self) -> &$crate::socket::control::Control {
                &self.0.core.control
            }
        }

        impl $crate::socket::forwarding::SharedCore for $socket {
            type Outgoing = <Self as $crate::socket::Kind>::Outgoing;

            fn core(&self) -> &std::sync::Arc<$crate::socket::Core<Self::Outgoing>> {
                &self.0.core
            }

            fn from_core(core: std::sync::Arc<$crate::socket::Core<Self::Outgoing>>) -> Self {
                Self($crate::socket::Handle::new(core))
            }
        }

        impl $crate::socket::Socket for $socket {
            const SOCKET_TYPE: zmtp_proto::socket_type::SocketType =
                <Self as $crate::socket::Kind>::SOCKET_TYPE;
        }

        /// Two handles are equal if they belong to the same socket.
        impl PartialEq for $socket {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl Eq for $socket {}

        impl std::fmt::Debug for $socket {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(stringify!($socket), f)
            }
        }
    };
}

pub(in crate::socket) use {constructors, ending, example, group_example, shared_traits};
