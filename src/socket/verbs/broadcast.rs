//! Sending to all publishers: `send`, its variant and `Sink`.

macro_rules! broadcast_verbs {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Sending
        impl $socket {
            /// Sends a message to all publishers. It waits for none of them: a publisher whose
            /// queue is full misses the message.
            ///
            /// When this returns, the message is queued for the publishers, but not necessarily
            /// delivered. A message of one part that begins with the byte 1 or 0 is not sent, but
            /// subscribes or unsubscribes: see
            /// [Subscriptions as messages](Self#subscriptions-as-messages).
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message was not sent to any
            /// publisher, and is dropped.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) with the message if the socket is closed, or if the
            /// message is a subscription whose topic is too long.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".send([\"status\", \"please\"]).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            // An `async fn` would move the memory of an error when a send succeeds.
            #[inline]
            pub fn send(
                &self,
                message: impl Into<$message>,
            ) -> impl Future<Output = Result<(), $crate::error::SendError<$message>>> {
                let to = &$crate::routing::FirstPart;
                $crate::socket::sending::SendOnPoll::new(move || {
                    Ok(self.0.send(to, message.into()))
                })
            }

            /// Sends a message like [`send`](Self::send), without yielding to other tasks.
            ///
            /// # Errors
            ///
            /// [`TrySendError`](crate::TrySendError) with the message if the socket is closed, or
            /// if the message is a subscription whose topic is too long.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".try_send(b\"\\x01weather.\")?;")]
            #[doc = concat!("assert_eq!(", $handle, ".subscriptions().len(), 1);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_send(
                &self,
                message: impl Into<$message>,
            ) -> Result<(), $crate::error::TrySendError<$message>> {
                let message: $message = message.into();
                self.0.try_send(&$crate::routing::FirstPart, message)
            }
        }

        $crate::socket::verbs::batch_verbs!(
            $socket,
            $handle,
            $message,
            "send",
            "It never waits: a publisher whose queue is full misses the messages.",
            "if the socket is closed, or if a message is a subscription whose topic is too long.",
            "if the socket is closed, or if a message is a subscription whose topic is too long.",
            "let mut messages: VecDeque<_> = (0..100)",
            "    .map(|number: u32| number.to_string().into())",
            "    .collect();"
        );

        impl $crate::socket::forwarding::Destination for $socket {}

        $crate::socket::verbs::sink! {
            /// Sends messages to all publishers. Closing the sink flushes it and leaves the socket
            /// open.
            $socket: Into<$message>, $crate::error::SendError<$message>
        }
    };
}

pub(in crate::socket) use broadcast_verbs;
