//! Sending to subscribers, and counting them: `send`, its variants and `Sink`, `subscribers`,
//! `topics`, `full_subscribers` and `subscribed`.

macro_rules! publish_verbs {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Sending
        impl $socket {
            /// Sends a message to the remotes that have subscribed to a prefix of its first part.
            ///
            /// By default, it never waits: subscribers whose queue is full miss the message. The
            /// option [`slow_subscriber`](crate::Builder::slow_subscriber) selects other policies.
            /// With [`SlowSubscriber::Wait`](crate::SlowSubscriber::Wait), `send` waits until the
            /// queues of all subscribers have room, and no subscriber misses the message.
            ///
            /// When this returns, the message is queued for its subscribers, but not necessarily
            /// delivered. If it has no subscribers, it is dropped.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message was not sent to any
            /// subscriber, and is dropped.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) with the message if the socket is closed. With
            /// [`SlowSubscriber::Wait`](crate::SlowSubscriber::Wait), also if the queues of its
            /// subscribers had no room within [`send_timeout`](crate::Builder::send_timeout), which
            /// is unlimited by default.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".send([\"weather.london\", \"rain\"]).await?;")]
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
                $crate::socket::sending::SendOnPoll::new(move || Ok(self.0.send(to, message.into())))
            }

            /// Sends a message without waiting.
            ///
            /// # Errors
            ///
            /// [`TrySendError`](crate::TrySendError) with the message if the socket is closed. With
            /// [`SlowSubscriber::Wait`](crate::SlowSubscriber::Wait), also if the queue of a
            /// subscriber is full, or if its room is reserved for earlier senders.
            /// [`full_subscribers`](Self::full_subscribers) returns the subscribers whose queue is
            /// full.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("if ", $handle, ".try_send([\"weather\", \"rain\"]).is_err() {")]
            #[doc = concat!("    for remote in ", $handle, ".full_subscribers(\"weather\") {")]
            ///         println!("{:?} does not read", remote.address());
            ///     }
            /// }
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

            /// Sends a message like [`send`](Self::send), waiting at most for `timeout`. (libzmq
            /// `ZMQ_SNDTIMEO`.)
            ///
            /// It waits only with [`SlowSubscriber::Wait`](crate::SlowSubscriber::Wait).
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message was not sent to any
            /// subscriber, and is dropped.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) with the message if the socket is closed. With
            /// [`SlowSubscriber::Wait`](crate::SlowSubscriber::Wait), also if the queues of its
            /// subscribers had no room in time.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".send_timeout(\"weather: rain\", Duration::from_secs(5)).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn send_timeout(
                &self,
                message: impl Into<$message>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::SendError<$message>> {
                let message: $message = message.into();
                self.0.send_timeout(&$crate::routing::FirstPart, message, timeout).await
            }
        }

        /// # Subscribers
        impl $socket {
            /// Returns the number of remotes that would receive a message with this first part.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// // Create the report only if it has a subscriber.
            #[doc = concat!("if ", $handle, ".subscribers(\"report\") > 0 {")]
            #[doc = concat!(
                        "    ", $handle, ".send([\"report\", &format!(\"{:?}\", std::env::args())]).await?;"
                    )]
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn subscribers(&self, first_part: impl AsRef<[u8]>) -> usize {
                self.0.core.outgoing.lock().subscribers(first_part.as_ref())
            }

            /// Returns the number of different topics that remotes have subscribed to. (libzmq
            /// `ZMQ_TOPICS_COUNT`.)
            ///
            /// The topics of a remote that has left count until they are released, which takes a
            /// moment if there are many.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("println!(\"{} topics\", ", $handle, ".topics());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn topics(&self) -> usize {
                self.0.core.outgoing.lock().topics()
            }

            /// Returns the remotes that have subscribed to messages with this first part, and whose
            /// queue is full. They miss messages, or block senders with
            /// [`SlowSubscriber::Wait`](crate::SlowSubscriber::Wait).
            ///
            /// With `SlowSubscriber::Wait`, a sender can wait although this list is empty: free
            /// slots are reserved for earlier senders, which may wait for a full subscriber of
            /// another topic.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// // Disconnect the subscribers that do not keep up.
            #[doc = concat!("for remote in ", $handle, ".full_subscribers(\"weather\") {")]
            #[doc = concat!("    ", $handle, ".remotes().disconnect(remote.connection_id());")]
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn full_subscribers(
                &self,
                first_part: impl AsRef<[u8]>,
            ) -> Vec<$crate::remote::Remote> {
                self.0.core.outgoing.lock().full_subscribers(first_part.as_ref())
            }

            /// Waits until a message with this first part has a subscriber. Returns immediately if
            /// it has one already. Any subscriber of a prefix suffices, including one that has
            /// subscribed to all messages. To wait for a specific subscriber, wait for a topic to
            /// which only it subscribes.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, nothing changes.
            ///
            /// # Errors
            ///
            /// [`NoRemoteError`](crate::NoRemoteError) if the socket is closed, or if it has no
            /// remote and no endpoint left because the last one was abandoned, as from
            /// [`connected`](crate::Remotes::connected). After the application has ended the last
            /// endpoint, it waits for another one.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".subscribed(\"weather.london\").await?;")]
            #[doc = concat!($handle, ".send([\"weather.london\", \"rain\"]).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn subscribed(
                &self,
                first_part: impl AsRef<[u8]>,
            ) -> Result<(), $crate::error::NoRemoteError> {
                $crate::socket::Subscribed::new(&self.0.core, first_part.as_ref()).await
            }
        }

        $crate::socket::verbs::batch_verbs!(
            $socket, $handle, $message, "send",
            "It waits only with [`SlowSubscriber::Wait`](crate::options::SlowSubscriber::Wait), until the \
             queues of all subscribers of the next message have room.",
            "if the socket is closed. With [`SlowSubscriber::Wait`](crate::options::SlowSubscriber::Wait), \
             also if the queue of a subscriber stayed full for \
             [`send_timeout`](crate::socket::Builder::send_timeout) after the previous message was \
             sent. By default, that time is unlimited.",
            "if the socket is closed. With [`SlowSubscriber::Wait`](crate::options::SlowSubscriber::Wait), \
             also if the queue of a subscriber is full, or if its room is reserved for earlier \
             senders.",
            "let mut messages: VecDeque<_> = (0..100)",
            "    .map(|number: u32| number.to_string().into())",
            "    .collect();"
        );

        impl $crate::socket::forwarding::Destination for $socket {}

        $crate::socket::verbs::sink! {
            /// Sends messages to their subscribers. Closing the sink flushes it and leaves the
            /// socket open.
            $socket: Into<$message>, $crate::error::SendError<$message>
        }
    };
}

pub(in crate::socket) use publish_verbs;
