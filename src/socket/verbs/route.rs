//! Sending to a named remote: `route`, `reply`, their variants and `Sink`.

/// The type of the target decides how a sender names it.
macro_rules! route_verbs {
    ($socket:ident, $handle:literal, $message:ty, RoutingId) => {
        $crate::socket::verbs::route_verbs! {
            $socket, $handle, $message, $message, $crate::routing_id::RoutingId,
            "routing id", "id",
            ".recv().await?.routing_id().unwrap()",
            "(by default, without a limit)."
        }
    };
    ($socket:ident, $handle:literal, $message:ty, Identity) => {
        $crate::socket::verbs::route_verbs! {
            $socket, $handle, $message, $crate::message::Multipart,
            &zmtp_proto::identity::Identity,
            "identity", "&id",
            ".recv().await?.identity().clone()",
            "(by default zero: it does not wait)."
        }
    };
    (
        $socket:ident, $handle:literal, $request:ty, $message:ty, $to:ty,
        $id:literal, $argument:literal, $example_id:literal, $by_default:literal
    ) => {
        /// # Sending
        ///
        #[doc = concat!(
            "The remote comes first, by its ", $id, " or as the sender of a request, then the message."
        )]
        impl $socket {
            /// Sends a message to a remote; waits while the queue of that remote is full, at most
            /// for [`send_timeout`](crate::Builder::send_timeout)
            #[doc = $by_default]
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
            /// [`RouteError`](crate::RouteError) with the message if the queue stayed full for
            /// [`send_timeout`](crate::Builder::send_timeout), if the remote leaves during the
            /// wait, if the socket is closed, or
            #[doc = concat!("if no remote has this ", $id, ".")]
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, $example_id, ";")]
            /// for number in ["one", "two", "three"] {
            #[doc = concat!("    ", $handle, ".route(", $argument, ", number).await?;")]
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[doc(alias = "send")]
            // An `async fn` would move the memory of an error when a send succeeds.
            #[inline]
            pub fn route(
                &self,
                to: $to,
                message: impl Into<$message>,
            ) -> impl Future<Output = Result<(), $crate::error::RouteError<$message>>> {
                $crate::socket::sending::SendOnPoll::new(move || Ok(self.0.send(to, message.into())))
            }

            /// Sends a message to a remote unless the queue of that remote is full.
            ///
            /// # Errors
            ///
            /// [`TryRouteError`](crate::TryRouteError) with the message if the queue is full, if
            /// the socket is closed, or
            #[doc = concat!("if no remote has this ", $id, ".")]
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::TryRouteError;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, $example_id, ";")]
            #[doc = concat!("match ", $handle, ".try_route(", $argument, ", \"hello\") {")]
            ///     Err(TryRouteError::Full(message)) => println!("not sent: {} bytes", message.len()),
            ///     sent => sent?,
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_route(
                &self,
                to: $to,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::TryRouteError<$message>> {
                self.0.try_send(to, message.into())
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
            /// [`RouteError`](crate::RouteError) with the message if the queue stayed full, if the
            /// remote leaves during the wait, if the socket is closed, or
            #[doc = concat!("if no remote has this ", $id, ".")]
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, $example_id, ";")]
            #[doc = concat!(
                $handle, ".route_timeout(", $argument, ", \"hello\", Duration::from_secs(5)).await?;"
            )]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn route_timeout(
                &self,
                to: $to,
                message: impl Into<$message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::RouteError<$message>> {
                self.0.send_timeout(to, message.into(), timeout).await
            }

            #[doc = concat!(
                "Sends a message to the remote that sent `request`: [`route`](Self::route) with its ",
                $id, ". There can be any number of replies."
            )]
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message has not been sent and is
            /// dropped with it.
            ///
            /// # Errors
            ///
            /// [`RouteError`](crate::RouteError) as from [`route`](Self::route). The remote of a
            /// message that was not received is unreachable
            #[doc = concat!("if the message names no ", $id, ".")]
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
            // An `async fn` would move the memory of an error when a send succeeds.
            #[inline]
            pub fn reply(
                &self,
                request: &$request,
                message: impl Into<$message>,
            ) -> impl Future<Output = Result<(), $crate::error::RouteError<$message>>> {
                $crate::socket::sending::SendOnPoll::new(move || self.0.reply(request, message.into()))
            }

            #[doc = concat!(
                "Sends a message to the remote that sent `request` unless the queue of that remote \
                 is full: [`try_route`](Self::try_route) with its ", $id, "."
            )]
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
                request: &$request,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::TryRouteError<$message>> {
                self.0.try_reply(request, message.into())
            }

            #[doc = concat!(
                "Sends a message to the remote that sent `request`; waits while the queue of that \
                 remote is full, at most for `timeout`: [`route_timeout`](Self::route_timeout) with \
                 its ", $id, "."
            )]
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
                request: &$request,
                message: impl Into<$message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::RouteError<$message>> {
                self.0.reply_timeout(request, message.into(), timeout)?.await
            }

            /// Sends all `messages` in their order, each to the remote that it names, and removes
            /// each from `messages` when it is queued.
            ///
            /// The effect is that of [`route`](Self::route) for each message. It costs less: the
            /// socket is locked once, and each connection is woken once, for up to 256 messages.
            /// Messages of other senders can be interleaved with them.
            ///
            /// This waits while the queue of the remote that the next message names is full, at
            /// most for [`send_timeout`](crate::Builder::send_timeout)
            #[doc = $by_default]
            /// The messages after it wait as well, whichever remote they name.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, `messages` contains exactly the
            /// messages that have not been sent. None is lost, and another call sends the rest.
            ///
            /// # Errors
            ///
            /// [`RouteError`](crate::RouteError) as from [`route`](Self::route). The messages that
            /// have not been sent are still in `messages`, and the error concerns the first of
            /// them. To skip this message, remove it and call the method again.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::collections::VecDeque;
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// // An echo of many messages at a time.
            /// let mut messages = Vec::new();
            /// loop {
            #[doc = concat!("    ", $handle, ".recv_many(&mut messages, 100).await?;")]
            ///     let mut replies = VecDeque::from(messages);
            #[doc = concat!("    while ", $handle, ".route_many(&mut replies).await.is_err() {")]
            ///         replies.pop_front(); // Its remote has left.
            ///     }
            ///     messages = replies.into();
            /// }
            /// # }
            /// ```
            #[doc(alias = "send_many")]
            pub async fn route_many(
                &self,
                messages: &mut std::collections::VecDeque<$request>,
            ) -> Result<(), $crate::error::RouteError<()>> {
                self.0.send_many(messages).await
            }

            /// Sends `messages` in their order, without waiting, each to the remote that it names,
            /// and removes each from `messages` when it is queued.
            ///
            /// # Errors
            ///
            /// [`TryRouteError`](crate::TryRouteError) as from [`try_route`](Self::try_route). The
            /// messages that have not been sent are still in `messages`, and the error concerns the
            /// first of them.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::collections::VecDeque;
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let mut messages = Vec::new();
            #[doc = concat!($handle, ".recv_many(&mut messages, 100).await?;")]
            /// let mut replies = VecDeque::from(messages);
            #[doc = concat!("if ", $handle, ".try_route_many(&mut replies).is_err() {")]
            ///     println!("{} replies were not sent", replies.len());
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_route_many(
                &self,
                messages: &mut std::collections::VecDeque<$request>,
            ) -> Result<(), $crate::error::TryRouteError<()>> {
                self.0.try_send_many(messages)
            }

            /// Reserves a slot for one message to a remote; waits like [`route`](Self::route) while
            /// the queue of that remote is full.
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
            #[doc = concat!("let id = ", $handle, $example_id, ";")]
            #[doc = concat!("let permit = ", $handle, ".reserve_route(", $argument, ").await?;")]
            /// permit.send("hello")?;
            /// # Ok(())
            /// # }
            /// ```
            pub async fn reserve_route(
                &self,
                to: $to,
            ) -> Result<$crate::socket::RoutePermit<'_, $message>, $crate::error::RouteError<()>> {
                self.0.reserve(to.to_owned()).await.map($crate::socket::RoutePermit::from)
            }

            /// Reserves a slot for one message to a remote unless the queue of that remote is full.
            ///
            /// # Errors
            ///
            /// [`TryRouteError`](crate::TryRouteError) if the queue is full, if the socket is
            /// closed, or
            #[doc = concat!("if no remote has this ", $id, ".")]
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let id = ", $handle, $example_id, ";")]
            #[doc = concat!("if let Ok(permit) = ", $handle, ".try_reserve_route(", $argument, ") {")]
            ///     permit.send("hello")?;
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_reserve_route(
                &self,
                to: $to,
            ) -> Result<$crate::socket::RoutePermit<'_, $message>, $crate::error::TryRouteError<()>> {
                self.0.try_reserve(to.to_owned()).map($crate::socket::RoutePermit::from)
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
            #[doc = concat!(
                "Sends messages that carry the ", $id, " of their remote; waits while the queue of \
                 that remote is full. Closing the sink flushes it and leaves the socket open."
            )]
            $socket: $request, $crate::error::RouteError<$request>
        }

        #[expect(private_interfaces, reason = "the trait is sealed")]
        impl $crate::socket::bounds::sealed::Addressing for $socket {
            type Addressed = $request;

            fn names_remote(message: &$request) -> bool {
                type Target = $crate::socket::target::TargetOf<$socket>;
                $crate::socket::target::Addressed::<Target>::target(message).is_some()
            }

            fn limit(&self) -> $crate::socket::time_limit::TimeLimit {
                self.0.sink_limit()
            }

            fn poll_overdue(
                &mut self,
                limit: &mut $crate::socket::time_limit::TimeLimit,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<$request> {
                self.0.poll_overdue(limit, cx)
            }
        }
    };
}

pub(in crate::socket) use route_verbs;
