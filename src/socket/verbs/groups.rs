//! Options of a socket that sends to groups, for their members and for multicast datagrams.

macro_rules! group_options {
    ($socket:ident, $handle:literal) => {
        /// # Groups
        ///
        /// ```
        #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
        ///     .no_drop(true)
        ///     .max_group_bytes(16 << 20)
        ///     .max_group_bytes_per_remote(64 << 10)
        ///     .max_groups_per_remote(100)
        ///     .build();
        /// # Ok(())
        /// # }
        /// ```
        impl $crate::socket::Builder<$socket> {
            /// Sets whether senders wait for members of a group whose queue is full, instead of
            /// dropping the message for them. Default: false. (RFC 48; libzmq `ZMQ_XPUB_NODROP`.)
            pub fn no_drop(mut self, no_drop: bool) -> Self {
                self.options.groups.no_drop = no_drop;
                self
            }

            /// Sets how much memory the groups of all remotes may take, in bytes. A remote that
            /// joins a group beyond the limit is disconnected. Default: 256 MiB. (libzmq has no
            /// such option.)
            ///
            /// A group counts as 128 bytes plus the length of its name, and each of its members as
            /// 80 more bytes. This is an upper bound: usually three quarters of the memory are
            /// used. Limit the number of untrusted remotes, or the memory of
            /// [each](Self::max_group_bytes_per_remote), so that the others can still join their
            /// groups.
            pub fn max_group_bytes(mut self, bytes: usize) -> Self {
                self.options.groups.max_group_bytes = bytes;
                self
            }

            /// Sets how much memory the groups of one remote may take, in bytes. A remote that
            /// joins a group beyond the limit is disconnected. Default: 4 MiB. (libzmq has no such
            /// option.)
            ///
            /// A group counts as 208 bytes plus the length of its name, whether or not other
            /// remotes have joined it.
            pub fn max_group_bytes_per_remote(mut self, bytes: usize) -> Self {
                self.options.groups.max_group_bytes_per_remote = bytes;
                self
            }

            /// Sets how many groups one remote may join. A remote that joins more is disconnected.
            /// Default: 10,000. (libzmq has no such option.)
            pub fn max_groups_per_remote(mut self, groups: usize) -> Self {
                self.options.groups.max_groups_per_remote = groups;
                self
            }
        }
    };
}

macro_rules! multicast_options {
    ($socket:ident, $handle:literal) => {
        impl $crate::socket::Builder<$socket> {
            /// Sets how many hops a multicast datagram of a `udp` endpoint travels: 1 for the local
            /// network, and one more for each router that may forward it; 0 for this machine.
            /// Default: 1. (`IP_MULTICAST_TTL` and `IPV6_MULTICAST_HOPS`; libzmq
            /// `ZMQ_MULTICAST_HOPS`, which leaves those of IPv6 unchanged.)
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
            ///     .multicast_hops(4)
            ///     .connect("udp://239.1.2.3:5555")
            ///     .await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn multicast_hops(mut self, hops: u8) -> Self {
                self.options.udp.multicast_hops = hops;
                self
            }

            /// Sets whether multicast datagrams of a `udp` endpoint are also delivered to this
            /// machine. Default: true. (`IP_MULTICAST_LOOP` and `IPV6_MULTICAST_LOOP`; libzmq
            /// `ZMQ_MULTICAST_LOOP`.)
            ///
            /// Datagrams through the loopback interface are always delivered to this machine. On
            /// Windows the option has no effect, because the system applies it to sockets that
            /// receive.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
            ///     .multicast_loop(false)
            ///     .connect("udp://239.1.2.3:5555")
            ///     .await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn multicast_loop(mut self, multicast_loop: bool) -> Self {
                self.options.udp.multicast_loop = multicast_loop;
                self
            }
        }
    };
}

pub(in crate::socket) use {group_options, multicast_options};
