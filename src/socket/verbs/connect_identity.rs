//! The identities of remotes: `connect_identity`, `remote`, and options.

macro_rules! connect_identity_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Identities of remotes
        impl $socket {
            /// Connects the socket to an endpoint, and assigns an identity to its remote.
            ///
            /// The identity is valid immediately. Messages are queued for it, up to
            /// [`send_hwm`](crate::Builder::send_hwm), before the connection is established and
            /// while it is re-established, and messages from the remote carry it on all its
            /// connections. The identity that the remote announces is ignored. No other remote can
            /// have this identity, even with [`handover`](crate::Builder::handover), until the
            /// endpoint is [disconnected](Self::disconnect).
            ///
            /// If two routers assign the identities that they announce to each other, and both
            /// connect, each refuses the connection of the other as a duplicate, and their messages
            /// wait. In a mesh, only one router of each pair connects; the other knows it by the
            /// identity that it announces.
            ///
            /// With [`immediate`](crate::Builder::immediate), the remote has the identity only
            /// while it is connected. With an empty identity this is [`connect`](Self::connect),
            /// where the remote is reachable from its first handshake on. (libzmq
            /// `ZMQ_CONNECT_ROUTING_ID`, which aborts the program if the identity is in use.)
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the endpoint may stay connected.
            /// [`disconnect`](Self::disconnect) removes it.
            ///
            /// # Errors
            ///
            /// [`ConnectError`](crate::ConnectError) if another remote has the identity, if the
            /// endpoint is not valid or can only be bound, or if the socket is closed. It is not an
            /// error if no remote is listening.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::Identity;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let id = Identity::try_from("storage")?;
            #[doc = concat!($handle, ".connect_identity(\"tcp://192.0.2.1:5555\", &id).await?;")]
            /// // Queued until the connection is established.
            #[doc = concat!($handle, ".route(&id, \"hello\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn connect_identity<E>(
                &self,
                endpoint: E,
                identity: &zmtp_proto::identity::Identity,
            ) -> Result<(), $crate::error::ConnectError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint =
                    endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                self.0.core.control.connect_identity(endpoint, identity.clone()).await
            }

            /// Returns the connected remote that has an identity.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let request = ", $handle, ".recv().await?;")]
            #[doc = concat!("if let Some(remote) = ", $handle, ".remote(request.identity()) {")]
            ///     println!("from {:?}", remote.address());
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn remote(
                &self,
                identity: &zmtp_proto::identity::Identity,
            ) -> Option<$crate::remote::Remote> {
                self.0.core.outgoing.lock().remote(identity)
            }
        }

        /// # Identities of remotes
        ///
        /// ```
        #[doc = concat!("use tokio_zmtp::{", stringify!($socket), ", Unroutable};")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
        ///     .handover(true)
        ///     .unroutable(Unroutable::Drop)
        ///     .build();
        /// # Ok(())
        /// # }
        /// ```
        impl $crate::socket::Builder<$socket> {
            /// Sets whether a remote takes over the identity of another one. Default: false: a
            /// remote that announces the identity of another one is refused. (libzmq
            /// `ZMQ_ROUTER_HANDOVER`.)
            ///
            /// With `true`, the connection of the other remote ends immediately, with the reason
            /// [`HandedOver`](crate::monitor::DisconnectReason::HandedOver). Its received messages
            /// remain available, under the same identity. Messages that are queued for it are
            /// undelivered. Identities of connected endpoints are not handed over.
            ///
            /// A displaced remote that dials reconnects, and takes the identity back: two live
            /// sockets with one identity displace each other indefinitely. Handover is for a remote
            /// whose old connection is dead, and whose end the router has not detected yet.
            ///
            /// Any remote can announce any identity. On an untrusted network, use this only with an
            /// [authenticator](crate::auth) that verifies the announced identities.
            pub fn handover(mut self, handover: bool) -> Self {
                self.options.router.handover = handover;
                self
            }

            /// Sets what happens to a message whose remote is unknown, has left, or has a full
            /// queue. Default: [`Unroutable::Fail`](crate::Unroutable::Fail). (libzmq
            /// `ZMQ_ROUTER_MANDATORY`, whose default is to drop them without a count.)
            pub fn unroutable(mut self, unroutable: $crate::options::Unroutable) -> Self {
                self.options.router.unroutable = unroutable;
                self
            }
        }
    };
}

pub(in crate::socket) use connect_identity_verbs;
