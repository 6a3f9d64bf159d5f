//! The options that can be read and changed while the socket is in use.

macro_rules! option_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Options of a socket in use
        ///
        /// All other options are set by the [`Builder`](crate::Builder).
        impl $socket {
            /// Returns how long ending connections may continue to write. See
            /// [`Builder::linger`](crate::Builder::linger).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("println!(\"{:?}\", ", $handle, ".linger());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn linger(&self) -> Option<std::time::Duration> {
                self.0.core.control.linger()
            }

            /// Sets how long connections that end from now on may continue to write; zero to drop
            /// queued messages immediately, `None` for any time.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".set_linger(Duration::from_secs(5));")]
            #[doc = concat!("assert_eq!(", $handle, ".linger(), Some(Duration::from_secs(5)));")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn set_linger(&self, limit: impl Into<Option<std::time::Duration>>) {
                self.0.core.control.set_linger(limit.into());
            }
        }
    };
}

macro_rules! receiving_option_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Limits of received messages
        impl $socket {
            /// Returns how many bytes of unread messages ended remotes may leave before the socket
            /// stops establishing connections; zero for any number. See
            /// [`Builder::ended_hwm_bytes`](crate::Builder::ended_hwm_bytes).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("println!(\"{:?}\", ", $handle, ".ended_hwm_bytes());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn ended_hwm_bytes(&self) -> usize {
                self.0.core.control.ended_hwm_bytes()
            }

            /// Sets how many bytes of unread messages ended remotes may leave before the socket
            /// stops establishing connections; zero for any number. Messages above a lower limit
            /// are kept.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".set_ended_hwm_bytes(1 << 20);")]
            #[doc = concat!("assert_eq!(", $handle, ".ended_hwm_bytes(), 1 << 20);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn set_ended_hwm_bytes(&self, bytes: usize) {
                self.0.core.control.set_ended_hwm_bytes(bytes);
            }

            /// Returns the high-water mark of received messages for each remote; zero for any
            /// number. See [`Builder::recv_hwm`](crate::Builder::recv_hwm).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("println!(\"{:?}\", ", $handle, ".recv_hwm());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn recv_hwm(&self) -> usize {
                self.0.core.control.recv_hwm()
            }

            /// Sets the high-water mark of received messages for each remote, from now on; zero for
            /// any number. Messages queued above it are kept.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".set_recv_hwm(10);")]
            #[doc = concat!("assert_eq!(", $handle, ".recv_hwm(), 10);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn set_recv_hwm(&self, messages: usize) {
                self.0.core.control.set_recv_hwm(messages);
            }

            /// Returns how many bytes received messages may occupy for each remote; zero for any
            /// number. See [`Builder::recv_hwm_bytes`](crate::Builder::recv_hwm_bytes).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("println!(\"{:?}\", ", $handle, ".recv_hwm_bytes());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn recv_hwm_bytes(&self) -> usize {
                self.0.core.control.recv_hwm_bytes()
            }

            /// Sets how many bytes received messages may occupy for each remote, from now on; zero
            /// for any number. Messages queued above it are kept.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".set_recv_hwm_bytes(1 << 20);")]
            #[doc = concat!("assert_eq!(", $handle, ".recv_hwm_bytes(), 1 << 20);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn set_recv_hwm_bytes(&self, bytes: usize) {
                self.0.core.control.set_recv_hwm_bytes(bytes);
            }
        }

        impl $crate::socket::ReceivingSocket for $socket {}
    };
}

macro_rules! sending_option_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Limits of messages to send
        impl $socket {
            /// Returns the high-water mark of messages to send for each remote; zero for any
            /// number. See [`Builder::send_hwm`](crate::Builder::send_hwm).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("println!(\"{:?}\", ", $handle, ".send_hwm());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn send_hwm(&self) -> usize {
                self.0.core.control.send_hwm()
            }

            /// Sets the high-water mark of messages to send for each remote, from now on; zero for
            /// any number. A higher mark wakes waiting senders; messages queued above a lower one
            /// are kept.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".set_send_hwm(10);")]
            #[doc = concat!("assert_eq!(", $handle, ".send_hwm(), 10);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn set_send_hwm(&self, messages: usize) {
                self.0.core.control.set_send_hwm(messages);
            }

            /// Returns how many bytes of messages to send may be queued for each remote; zero for
            /// any number. See [`Builder::send_hwm_bytes`](crate::Builder::send_hwm_bytes).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("println!(\"{:?}\", ", $handle, ".send_hwm_bytes());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn send_hwm_bytes(&self) -> usize {
                self.0.core.control.send_hwm_bytes()
            }

            /// Sets how many bytes of messages to send may be queued for each remote, from now on;
            /// zero for any number. A higher mark wakes waiting senders; messages queued above a
            /// lower one are kept.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".set_send_hwm_bytes(1 << 20);")]
            #[doc = concat!("assert_eq!(", $handle, ".send_hwm_bytes(), 1 << 20);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn set_send_hwm_bytes(&self, bytes: usize) {
                self.0.core.control.set_send_hwm_bytes(bytes);
            }
        }

        impl $crate::socket::SendingSocket for $socket {}
    };
}

pub(in crate::socket) use {option_verbs, receiving_option_verbs, sending_option_verbs};
