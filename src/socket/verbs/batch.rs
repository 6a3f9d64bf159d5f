//! Sending several messages together: `send_many` and its variant.

/// The sentences state when the methods wait and fail. The lines of the example create `messages`.
macro_rules! batch_verbs {
    (
        $socket:ident, $handle:literal, $message:ty, $one:literal,
        $waits:literal, $fails:literal, $try_fails:literal, $($example:literal),+
    ) => {
        /// # Sending many messages
        impl $socket {
            /// Sends all `messages` in their order, and removes each from `messages` when it is
            /// queued.
            ///
            #[doc = concat!(
                "The effect is that of [`", $one, "`](Self::", $one, ") for each message. It costs \
                 less: the socket is locked once, and each connection is woken once, for up to 256 \
                 messages. Messages of other senders can be interleaved with them."
            )]
            ///
            #[doc = $waits]
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, `messages` contains exactly the
            /// messages that have not been sent. None is lost, and another call sends the rest.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError)
            #[doc = $fails]
            /// The messages that have not been sent are still in `messages`, and the error concerns
            /// the first of them.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::collections::VecDeque;
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            $(#[doc = $example])+
            #[doc = concat!($handle, ".send_many(&mut messages).await?;")]
            /// assert!(messages.is_empty());
            /// # Ok(())
            /// # }
            /// ```
            pub async fn send_many(
                &self,
                messages: &mut std::collections::VecDeque<$message>,
            ) -> Result<(), $crate::error::SendError<()>> {
                self.0.send_many(messages).await
            }

            /// Sends `messages` in their order, without waiting, and removes each from `messages`
            /// when it is queued.
            ///
            /// # Errors
            ///
            /// [`TrySendError`](crate::TrySendError)
            #[doc = $try_fails]
            /// The messages that have not been sent are still in `messages`, and the error concerns
            /// the first of them.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::collections::VecDeque;
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            $(#[doc = $example])+
            #[doc = concat!("if ", $handle, ".try_send_many(&mut messages).is_err() {")]
            ///     println!("{} messages were not sent", messages.len());
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_send_many(
                &self,
                messages: &mut std::collections::VecDeque<$message>,
            ) -> Result<(), $crate::error::TrySendError<()>> {
                self.0.try_send_many(messages)
            }

            /// Returns a sink that collects up to `capacity` messages and sends them in batches.
            ///
            /// Use it with `StreamExt::forward`, which flushes it. The socket's own sink queues
            /// each message separately. A `capacity` of zero is treated as one.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::collections::VecDeque;
            ///
            /// use futures::StreamExt;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            $(#[doc = $example])+
            #[doc = concat!("# if false { ", $handle, ".try_send_many(&mut messages)?; }")]
            /// let messages = futures::stream::iter(messages).map(Ok);
            #[doc = concat!("messages.forward(", $handle, ".batched(64)).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn batched(self, capacity: usize) -> $crate::socket::Batched<Self> {
                $crate::socket::Batched::new(self, capacity)
            }
        }

        impl $crate::socket::bounds::sealed::Batching for $socket {
            type Message = $message;
        }
    };
}

pub(in crate::socket) use batch_verbs;
