//! Sending to a remote that the socket picks: `send`, its variants and `Sink`.

macro_rules! send_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Sending
        impl $socket {
            /// Sends a message; waits while the socket is mute.
            ///
            /// When this returns, the message is queued for a remote, not delivered.
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
            pub async fn send(
                &self,
                message: impl Into<$crate::message::Message>,
            ) -> Result<(), $crate::error::SendError> {
                let core = &self.0.core;
                let Some(message) = $crate::socket::sending::send_immediately(core, &(), message)
                else {
                    return Ok(());
                };
                let sending =
                    $crate::socket::sending::Sending::new(core, (), message, core.send_timeout);
                sending.await.map_err($crate::socket::send_errors::send_error)
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
            ///     Err(TrySendError::Full(message)) => println!("not sent: {} bytes", message.len()),
            ///     sent => sent?,
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_send(
                &self,
                message: impl Into<$crate::message::Message>,
            ) -> Result<(), $crate::error::TrySendError> {
                let mut message = Some(message.into());
                let sent = self.0.core.try_send(&(), &mut message);
                sent.map_err(|refusal| {
                    let message = message.expect("refused, so still there");
                    $crate::socket::send_errors::try_send_error((refusal, message))
                })
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
                message: impl Into<$crate::message::Message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::SendError> {
                let core = &self.0.core;
                let sending =
                    $crate::socket::sending::Sending::new(core, (), message.into(), Some(timeout));
                sending.await.map_err($crate::socket::send_errors::send_error)
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
            ) -> Result<$crate::socket::Permit<'_>, $crate::error::SendError<()>> {
                let core = &self.0.core;
                let reserving =
                    $crate::socket::reserving::Reserving::new(core, (), core.send_timeout);
                match reserving.await {
                    Ok(slot) => Ok($crate::socket::Permit::from(slot)),
                    Err(failure) => Err($crate::socket::send_errors::send_error((failure, ()))),
                }
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
            ) -> Result<$crate::socket::Permit<'_>, $crate::error::TrySendError<()>> {
                match $crate::socket::reserving::Slot::try_reserve(&self.0.core, ()) {
                    Ok(slot) => Ok($crate::socket::Permit::from(slot)),
                    Err(refusal) => Err($crate::socket::send_errors::try_send_error((refusal, ()))),
                }
            }
        }

        impl $crate::socket::forwarding::Destination for $socket {
            type Outgoing = <Self as $crate::socket::Kind>::Outgoing;

            fn core(&self) -> &std::sync::Arc<$crate::socket::Core<Self::Outgoing>> {
                &self.0.core
            }
        }

        /// Sends messages; waits while the socket is mute. Closing the sink flushes it and leaves
        /// the socket open.
        impl<M: Into<$crate::message::Message>> futures_sink::Sink<M> for $socket {
            type Error = $crate::error::SendError;

            fn poll_ready(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), $crate::error::SendError>> {
                let $crate::socket::Handle { core, outbox, .. } = &mut self.0;
                outbox.poll_reserve(core, (), cx).map_err($crate::socket::send_errors::closed_error)
            }

            fn start_send(
                mut self: std::pin::Pin<&mut Self>,
                message: M,
            ) -> Result<(), $crate::error::SendError> {
                let $crate::socket::Handle { core, outbox, .. } = &mut self.0;
                let sent = outbox.start_send(core, (), message.into());
                sent.map_err($crate::socket::send_errors::closed_error)
            }

            fn poll_flush(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), $crate::error::SendError>> {
                let $crate::socket::Handle { core, outbox, .. } = &mut self.0;
                outbox.poll_flush(core, cx).map_err($crate::socket::send_errors::closed_error)
            }

            fn poll_close(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), $crate::error::SendError>> {
                futures_sink::Sink::<M>::poll_flush(self, cx)
            }
        }
    };
}

pub(in crate::socket) use send_verbs;
