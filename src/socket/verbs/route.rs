//! Sending to a named remote: `route`, `reply`, their variants and `Sink`.

macro_rules! route_verbs {
    ($socket:ident, $handle:literal) => {
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
                to: $crate::routing_id::RoutingId,
                message: impl Into<$crate::message::Message>,
            ) -> Result<(), $crate::error::RouteError> {
                let core = &self.0.core;
                let Some(message) = $crate::socket::sending::send_immediately(core, &to, message) else {
                    return Ok(());
                };
                let sending =
                    $crate::socket::sending::Sending::new(core, to, message, core.send_timeout);
                sending.await.map_err($crate::socket::send_errors::route_error)
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
                to: $crate::routing_id::RoutingId,
                message: impl Into<$crate::message::Message>,
            ) -> Result<(), $crate::error::TryRouteError> {
                let mut message = Some(message.into());
                let sent = self.0.core.try_send(&to, &mut message);
                sent.map_err(|refusal| {
                    let message = message.expect("refused, so still there");
                    $crate::socket::send_errors::try_route_error((refusal, message))
                })
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
                to: $crate::routing_id::RoutingId,
                message: impl Into<$crate::message::Message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::RouteError> {
                let core = &self.0.core;
                let sending =
                    $crate::socket::sending::Sending::new(core, to, message.into(), Some(timeout));
                sending.await.map_err($crate::socket::send_errors::route_error)
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
                request: &$crate::message::Message,
                message: impl Into<$crate::message::Message>,
            ) -> Result<(), $crate::error::RouteError> {
                match request.routing_id() {
                    Some(to) => self.route(to, message).await,
                    None => Err($crate::error::RouteError::HostUnreachable(message.into())),
                }
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
                request: &$crate::message::Message,
                message: impl Into<$crate::message::Message>,
            ) -> Result<(), $crate::error::TryRouteError> {
                match request.routing_id() {
                    Some(to) => self.try_route(to, message),
                    None => Err($crate::error::TryRouteError::HostUnreachable(message.into())),
                }
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
                request: &$crate::message::Message,
                message: impl Into<$crate::message::Message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::RouteError> {
                match request.routing_id() {
                    Some(to) => self.route_timeout(to, message, timeout).await,
                    None => Err($crate::error::RouteError::HostUnreachable(message.into())),
                }
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
                to: $crate::routing_id::RoutingId,
            ) -> Result<$crate::socket::RoutePermit<'_>, $crate::error::RouteError<()>> {
                let core = &self.0.core;
                let reserving =
                    $crate::socket::reserving::Reserving::new(core, to, core.send_timeout);
                match reserving.await {
                    Ok(slot) => Ok($crate::socket::RoutePermit(slot)),
                    Err(failure) => Err($crate::socket::send_errors::route_error((failure, ()))),
                }
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
                to: $crate::routing_id::RoutingId,
            ) -> Result<$crate::socket::RoutePermit<'_>, $crate::error::TryRouteError<()>> {
                match $crate::socket::reserving::Slot::try_reserve(&self.0.core, to) {
                    Ok(slot) => Ok($crate::socket::RoutePermit(slot)),
                    Err(refusal) => Err($crate::socket::send_errors::try_route_error((refusal, ()))),
                }
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

        /// Sends messages that carry the routing id of their remote; waits while the queue of that
        /// remote is full. Closing the sink flushes it and leaves the socket open.
        impl futures_sink::Sink<$crate::message::Message> for $socket {
            type Error = $crate::error::RouteError;

            fn poll_ready(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), $crate::error::RouteError>> {
                let $crate::socket::Handle { core, outbox, .. } = &mut self.0;
                outbox.poll_ready(core, cx).map_err($crate::socket::send_errors::refused_error)
            }

            fn start_send(
                mut self: std::pin::Pin<&mut Self>,
                message: $crate::message::Message,
            ) -> Result<(), $crate::error::RouteError> {
                let Some(to) = message.routing_id() else {
                    return Err($crate::error::RouteError::HostUnreachable(message));
                };
                let $crate::socket::Handle { core, outbox, .. } = &mut self.0;
                let sent = outbox.start_send(core, to, message);
                sent.map_err($crate::socket::send_errors::refused_error)
            }

            fn poll_flush(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), $crate::error::RouteError>> {
                let $crate::socket::Handle { core, outbox, .. } = &mut self.0;
                outbox.poll_flush(core, cx).map_err($crate::socket::send_errors::refused_error)
            }

            fn poll_close(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), $crate::error::RouteError>> {
                self.poll_flush(cx)
            }
        }

        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl $crate::socket::bounds::sealed::Addressing for $socket {
            fn limit(&self) -> $crate::socket::time_limit::TimeLimit {
                $crate::socket::time_limit::TimeLimit::new(self.0.core.send_timeout)
            }

            fn poll_overdue(
                &mut self,
                limit: &mut $crate::socket::time_limit::TimeLimit,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<$crate::message::Message> {
                let $crate::socket::Handle { core, outbox, .. } = &mut self.0;
                outbox.poll_overdue(core, limit, cx)
            }
        }
    };
}

pub(in crate::socket) use route_verbs;
