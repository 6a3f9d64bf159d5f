//! Sending to a remote that the socket picks: `send`, its variants and `Sink`.

macro_rules! send_verbs {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Sending
        impl $socket {
            /// Sends a message; waits while the socket is mute.
            ///
            /// When this returns, the message is queued for a remote, not delivered.
            ///
            /// It also waits if the only endpoint was abandoned, because the remote refuses this
            /// socket: see [`connect`](Self::connect), which states how to detect this.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message has not been sent and is
            /// dropped with it. To keep it, [`reserve`](Self::reserve) a permit first.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) with the message if the socket is closed, or if it
            /// stayed mute for [`send_timeout`](crate::Builder::send_timeout), which by default is
            /// unlimited.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".send(\"tell me something\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            // An `async fn` would move the memory of an error when a send succeeds.
            #[inline]
            pub fn send(
                &self,
                message: impl Into<$message>,
            ) -> impl Future<Output = Result<(), $crate::error::SendError<$message>>> {
                $crate::socket::sending::SendOnPoll::new(move || Ok(self.0.send(&(), message.into())))
            }

            /// Sends a message unless the socket is mute.
            ///
            /// # Errors
            ///
            /// [`TrySendError`](crate::TrySendError) with the message if the socket is mute or
            /// closed.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::TrySendError;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("match ", $handle, ".try_send(\"tell me something\") {")]
            ///     Err(TrySendError::Full(message)) => println!("not sent: {message:?}"),
            ///     sent => sent?,
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_send(
                &self,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::TrySendError<$message>> {
                self.0.try_send(&(), message.into())
            }

            /// Sends a message; waits while the socket is mute, at most for `timeout`. A timeout of
            /// zero does not wait. (libzmq `ZMQ_SNDTIMEO`.)
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message has not been sent and is
            /// dropped with it.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) with the message if the socket stayed mute, or is
            /// closed.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".send_timeout(\"hello\", Duration::from_secs(5)).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn send_timeout(
                &self,
                message: impl Into<$message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::SendError<$message>> {
                self.0.send_timeout(&(), message.into(), timeout).await
            }

            /// Reserves a slot for one message; waits while the socket is mute.
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
            /// [`SendError`](crate::SendError) as from [`send`](Self::send).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let permit = ", $handle, ".reserve().await?;")]
            /// permit.send("tell me something")?;
            /// # Ok(())
            /// # }
            /// ```
            pub async fn reserve(
                &self,
            ) -> Result<$crate::socket::Permit<'_, $message>, $crate::error::SendError<()>> {
                self.0.reserve(()).await.map($crate::socket::Permit::from)
            }

            /// Reserves a slot for one message unless the socket is mute.
            ///
            /// # Errors
            ///
            /// [`TrySendError`](crate::TrySendError) if the socket is mute or closed.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("if let Ok(permit) = ", $handle, ".try_reserve() {")]
            ///     permit.send("tell me something")?;
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_reserve(
                &self,
            ) -> Result<$crate::socket::Permit<'_, $message>, $crate::error::TrySendError<()>> {
                self.0.try_reserve(()).map($crate::socket::Permit::from)
            }
        }

        $crate::socket::verbs::batch_verbs!(
            $socket, $handle, $message, "send",
            "It waits while the socket is mute. Each message is routed separately: round-robin \
             applies to the messages of one call as to those of separate calls.",
            "if the socket is closed, or if it stayed mute for \
             [`send_timeout`](crate::socket::Builder::send_timeout) after the previous message was \
             sent. By default, that time is unlimited.",
            "if the socket is mute or closed.",
            "let mut messages: VecDeque<_> = (0..100)",
            "    .map(|number: u32| number.to_string().into())",
            "    .collect();"
        );

        impl $crate::socket::forwarding::Destination for $socket {}

        $crate::socket::verbs::sink! {
            /// Sends messages; waits while the socket is mute. Closing the sink flushes it and
            /// leaves the socket open.
            $socket: Into<$message>, $crate::error::SendError<$message>
        }
    };
}

pub(in crate::socket) use send_verbs;
