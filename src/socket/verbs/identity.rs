//! Options for how a ROUTER knows a socket.

macro_rules! identity_options {
    ($socket:ident, $handle:literal) => {
        /// # Options for routers
        ///
        /// ```
        #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
        ///     .identity("worker-1".parse()?)
        ///     .probe_router(true)
        ///     .connect("tcp://192.0.2.1:5555")
        ///     .await?;
        /// # Ok(())
        /// # }
        /// ```
        impl $crate::socket::Builder<$socket> {
            /// Sets the identity by which every ROUTER that this socket is connected to addresses
            /// it. Default: empty, so that each ROUTER generates one. (libzmq `ZMQ_ROUTING_ID`.)
            ///
            /// A ROUTER refuses an identity that another remote has, or disconnects the other
            /// remote, depending on its options. An identity that begins with a zero is accepted,
            /// although libzmq does not announce one.
            pub fn identity(mut self, identity: zmtp_proto::identity::Identity) -> Self {
                self.options.identity = identity;
                self
            }

            /// Sets whether an empty message is sent first on every connection to a ROUTER.
            /// Default: false. (libzmq `ZMQ_PROBE_ROUTER`.)
            ///
            /// From this message, the application of the ROUTER learns the identity of the socket
            /// without waiting for another message. Remotes of other types receive no such message,
            /// unlike from libzmq. Neither the high-water mark nor the statistics count it.
            pub fn probe_router(mut self, probe: bool) -> Self {
                self.options.probe_router = probe;
                self
            }
        }
    };
}

pub(in crate::socket) use identity_options;
