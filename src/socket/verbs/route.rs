//! Sending to a named remote: `route`, `reply`, their variants and `Sink`.

macro_rules! route_verbs {
    ($socket:ident, $handle:literal, $message:ty, $target:ty) => {
        /// # Sending
        ///
        /// The remote comes first, by its [`RoutingId`](crate::RoutingId) or as the sender of a
        /// request, then the message.
        impl $socket {
            /// Sends a message to a remote; waits while the queue of that remote is full.
            ///
            /// When this returns, the message is queued, not delivered.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message has not been sent and is
            /// dropped with it. To keep it, [reserve](Self::reserve_route) a permit first.
            ///
            /// # Errors
            ///
            /// [`RouteError`](crate::RouteError) with the message if no remote has this routing id,
            /// if the remote leaves during the wait, if its queue stayed full for
            /// [`send_timeout`](crate::Builder::send_timeout), which by default is unlimited, or if
            /// the socket is closed.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, ".recv().await?.routing_id().unwrap();")]
            /// for number in ["one", "two", "three"] {
            #[doc = concat!("    ", $handle, ".route(id, number).await?;")]
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[doc(alias = "send")]
            pub async fn route(
                &self,
                to: $target,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::RouteError<$message>> {
                let Some(unsent) = self.0.send(&to, message.into()) else { return Ok(()) };
                unsent.await
            }

            /// Sends a message to a remote unless the queue of that remote is full.
            ///
            /// # Errors
            ///
            /// [`TryRouteError`](crate::TryRouteError) with the message if the queue is full, if no
            /// remote has this routing id, or if the socket is closed.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::TryRouteError;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, ".recv().await?.routing_id().unwrap();")]
            #[doc = concat!("match ", $handle, ".try_route(id, \"hello\") {")]
            ///     Err(TryRouteError::Full(message)) => println!("not sent: {} bytes", message.len()),
            ///     sent => sent?,
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_route(
                &self,
                to: $target,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::TryRouteError<$message>> {
                self.0.try_send(&to, message.into())
            }

            /// Sends a message to a remote; waits while the queue of that remote is full, at most
            /// for `timeout`. A timeout of zero does not wait. (libzmq `ZMQ_SNDTIMEO`.)
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message has not been sent and is
            /// dropped with it.
            ///
            /// # Errors
            ///
            /// [`RouteError`](crate::RouteError) with the message if the queue stayed full, if no
            /// remote has this routing id, if the remote leaves during the wait, or if the socket
            /// is closed.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, ".recv().await?.routing_id().unwrap();")]
            #[doc = concat!($handle, ".route_timeout(id, \"hello\", Duration::from_secs(5)).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn route_timeout(
                &self,
                to: $target,
                message: impl Into<$message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::RouteError<$message>> {
                self.0.send_timeout(&to, message.into(), timeout).await
            }

            /// Sends a message to the remote that sent `request`: [`route`](Self::route) with its
            /// routing id. There can be any number of replies.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message has not been sent and is
            /// dropped with it.
            ///
            /// # Errors
            ///
            /// [`RouteError`](crate::RouteError) as from [`route`](Self::route). A message without
            /// a routing id was not received by this socket: the remote is unreachable.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let request = ", $handle, ".recv().await?;")]
            #[doc = concat!($handle, ".reply(&request, \"hello\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn reply(
                &self,
                request: &$message,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::RouteError<$message>> {
                let Some(unsent) = self.0.reply(request, message.into())? else { return Ok(()) };
                unsent.await
            }

            /// Sends a message to the remote that sent `request` unless the queue of that remote is
            /// full: [`try_route`](Self::try_route) with its routing id.
            ///
            /// # Errors
            ///
            /// [`TryRouteError`](crate::TryRouteError) as from [`try_route`](Self::try_route).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let request = ", $handle, ".recv().await?;")]
            #[doc = concat!($handle, ".try_reply(&request, \"hello\")?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_reply(
                &self,
                request: &$message,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::TryRouteError<$message>> {
                self.0.try_reply(request, message.into())
            }

            /// Sends a message to the remote that sent `request`; waits while the queue of that
            /// remote is full, at most for `timeout`: [`route_timeout`](Self::route_timeout) with
            /// its routing id.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message has not been sent and is
            /// dropped with it.
            ///
            /// # Errors
            ///
            /// [`RouteError`](crate::RouteError) as from [`route_timeout`](Self::route_timeout).
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let request = ", $handle, ".recv().await?;")]
            #[doc = concat!(
                $handle, ".reply_timeout(&request, \"hello\", Duration::from_secs(5)).await?;"
            )]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn reply_timeout(
                &self,
                request: &$message,
                message: impl Into<$message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::RouteError<$message>> {
                self.0.reply_timeout(request, message.into(), timeout)?.await
            }

            /// Reserves a slot for one message to a remote; waits while the queue of that remote is
            /// full.
            ///
            /// Reserve a permit to avoid building a message that cannot be sent. Sending through it
            /// never waits.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, nothing is reserved.
            ///
            /// # Errors
            ///
            /// [`RouteError`](crate::RouteError) as from [`route`](Self::route).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, ".recv().await?.routing_id().unwrap();")]
            #[doc = concat!("let permit = ", $handle, ".reserve_route(id).await?;")]
            /// permit.send("hello")?;
            /// # Ok(())
            /// # }
            /// ```
            pub async fn reserve_route(
                &self,
                to: $target,
            ) -> Result<$crate::socket::RoutePermit<'_, $message>, $crate::error::RouteError<()>> {
                self.0.reserve(to).await.map($crate::socket::RoutePermit::from)
            }

            /// Reserves a slot for one message to a remote unless the queue of that remote is full.
            ///
            /// # Errors
            ///
            /// [`TryRouteError`](crate::TryRouteError) if the queue is full, if no remote has this
            /// routing id, or if the socket is closed.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, ".recv().await?.routing_id().unwrap();")]
            #[doc = concat!("if let Ok(permit) = ", $handle, ".try_reserve_route(id) {")]
            ///     permit.send("hello")?;
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_reserve_route(
                &self,
                to: $target,
            ) -> Result<$crate::socket::RoutePermit<'_, $message>, $crate::error::TryRouteError<()>> {
                self.0.try_reserve(to).map($crate::socket::RoutePermit::from)
            }

            /// Converts this handle into a [`Sink`](futures_sink::Sink) that drops messages to
            /// remotes that have left, or whose queue stays full for
            /// [`send_timeout`](crate::Builder::send_timeout), counts them, and continues.
            ///
            /// Use it with `StreamExt::forward`, which ends at the first error. It is also a
            /// [`Stream`](futures_core::Stream).
            ///
            /// # Examples
            ///
            /// ```
            /// use futures::StreamExt;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// // An echo that outlives its remotes.
            #[doc = concat!(
                $handle, ".clone().map(Ok).forward(", $handle, ".lossy()).await?;"
            )]
            /// # Ok(())
            /// # }
            /// ```
            pub fn lossy(self) -> $crate::socket::Lossy<Self> {
                $crate::socket::Lossy::new(self)
            }
        }

        $crate::socket::verbs::sink! {
            /// Sends messages that carry the routing id of their remote; waits while the queue of
            /// that remote is full. Closing the sink flushes it and leaves the socket open.
            $socket: $message, $crate::error::RouteError<$message>
        }

        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl $crate::socket::bounds::sealed::Addressing for $socket {
            fn limit(&self) -> $crate::socket::time_limit::TimeLimit {
                self.0.sink_limit()
            }

            fn poll_overdue(
                &mut self,
                limit: &mut $crate::socket::time_limit::TimeLimit,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<$message> {
                self.0.poll_overdue(limit, cx)
            }
        }
    };
}

pub(in crate::socket) use route_verbs;
