//! The remotes of a socket, its events and its statistics.

macro_rules! remote_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Remotes and statistics
        impl $socket {
            /// Returns the view of the connected remotes, which lists them, waits for the first
            /// one, and disconnects them.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".remotes().connected().await?;")]
            #[doc = concat!("for remote in ", $handle, ".remotes() {")]
            ///     println!("{:?} at {:?}", remote.connection_id(), remote.address());
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn remotes(&self) -> $crate::socket::Remotes<'_> {
                $crate::socket::Remotes::new(&self.0.core.control)
            }

            /// Returns a stream of all later events of endpoints and connections.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let mut monitor = ", $handle, ".monitor();")]
            /// while let Some(event) = monitor.recv().await {
            ///     println!("{:?}", event?);
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn monitor(&self) -> $crate::monitor::Monitor {
                self.0.core.control.monitor()
            }

            /// Returns the statistics of the socket. They are read one after another while the
            /// socket operates, and are not a consistent snapshot.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let stats = ", $handle, ".stats();")]
            /// println!("{} bytes sent, {} remotes", stats.sent.bytes, stats.connected);
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn stats(&self) -> $crate::stats::Stats {
                self.0.core.control.stats()
            }
        }
    };
}

pub(in crate::socket) use remote_verbs;
