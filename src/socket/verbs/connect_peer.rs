//! Connecting to a remote whose routing id is known from then on: `connect_peer`.

macro_rules! connect_peer_verb {
    ($socket:ident, $handle:literal) => {
        /// # Endpoints with a known routing id
        impl $socket {
            /// Connects the socket to an endpoint, and returns the routing id of the remote.
            ///
            /// Both are one step (RFC 51, The PEER Socket Type): concurrent calls get an id each,
            /// also for the same endpoint. The id is valid immediately. Messages are queued for it,
            /// up to [`send_hwm`](crate::Builder::send_hwm), before the connection is established
            /// and while it is re-established. Messages from the remote carry the same id on all
            /// its connections. The id ends with the endpoint: by [`disconnect`](Self::disconnect),
            /// when the socket is closed, or when no attempt to connect follows, because the remote
            /// refuses this socket or the options
            /// ([`reconnect_interval`](crate::Builder::reconnect_interval),
            /// [`reconnect_stop`](crate::Builder::reconnect_stop)) permit none.
            ///
            /// The remote assigns an id of its own to each connection. There is no such method for
            /// [`connect_all`](Self::connect_all), because a name has one id for each of its
            /// addresses. (libzmq `zmq_connect_peer`.)
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the endpoint may stay connected.
            /// [`disconnect`](Self::disconnect) removes it. Messages from its remote carry the id.
            ///
            /// # Errors
            ///
            /// [`ConnectPeerError`](crate::ConnectPeerError) if the endpoint is not valid or can
            /// only be bound, if [`immediate`](crate::Builder::immediate) is set, or if the socket
            /// is closed. It is not an error if no remote is listening.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, ".connect_peer(\"tcp://192.0.2.1:5555\").await?;")]
            /// // Queued until the connection is established.
            #[doc = concat!($handle, ".route(id, \"hello\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn connect_peer<E>(
                &self,
                endpoint: E,
            ) -> Result<$crate::routing_id::RoutingId, $crate::error::ConnectPeerError>
            where
                E: TryInto<zmtp_proto::endpoint::Endpoint>,
                zmtp_proto::endpoint::EndpointError: From<E::Error>,
            {
                let endpoint = endpoint.try_into().map_err(zmtp_proto::endpoint::EndpointError::from)?;
                self.0.core.control.connect_peer(endpoint).await
            }
        }
    };
}

pub(in crate::socket) use connect_peer_verb;
