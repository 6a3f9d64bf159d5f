//! Sending to groups: `send`, its variants and `Sink`.

macro_rules! transmit_verbs {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Sending
        impl $socket {
            /// Sends a message to a group. By default it never waits: members whose queue is full
            /// miss the message.
            ///
            /// The group and a copy of the body are encoded once for all members. When this
            /// returns, the message is queued for the members, but not necessarily delivered. If
            /// the group has no members, the message is dropped.
            ///
            /// With [`no_drop`](crate::Builder::no_drop) it waits until the queues of all members
            /// have room.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message was not sent to any member.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) with the message if the socket is closed, or if it
            /// is connected to a `udp` endpoint and the message does not fit in a datagram: it is
            /// then sent to no remote. With [`no_drop`](crate::Builder::no_drop) also if the queue
            /// of a member stayed full for [`send_timeout`](crate::Builder::send_timeout), which by
            /// default is unlimited.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::Group;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let weather = Group::try_from("weather")?;
            #[doc = concat!($handle, ".send(&weather, \"rain\").await?;")]
            /// # Ok(())
            /// # }
            /// ```
            // An `async fn` would move the memory of an error when a send succeeds.
            #[inline]
            pub fn send(
                &self,
                group: &zmtp_proto::group::Group,
                body: impl AsRef<[u8]>,
            ) -> impl Future<Output = Result<(), $crate::error::SendError<$message>>> {
                $crate::socket::sending::SendOnPoll::new(move || {
                    Ok(self.0.send(group, <$message>::new(group, body)))
                })
            }

            /// Sends a message like [`send`](Self::send). The message is not copied.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message was not sent to any member,
            /// and is dropped, too.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) as from [`send`](Self::send).
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::{Group, GroupMessage};
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let message = GroupMessage::new(&Group::try_from("weather")?, "rain");
            #[doc = concat!($handle, ".send_message(message).await?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn send_message(
                &self,
                message: $message,
            ) -> Result<(), $crate::error::SendError<$message>> {
                let Some(unsent) = self.0.send(&message.group(), message) else { return Ok(()) };
                unsent.await
            }

            /// Sends a message to a group without waiting.
            ///
            /// # Errors
            ///
            /// [`TrySendError`](crate::TrySendError) with the message if the socket is closed, or
            /// if the message does not fit in a datagram of a `udp` endpoint. With
            /// [`no_drop`](crate::Builder::no_drop) also if the queue of a member is full, or if
            /// its room is kept for earlier senders: [`full_members`](Self::full_members) returns
            /// the full ones.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::group_example!($socket, $handle)]
            #[doc = concat!("if ", $handle, ".try_send(&weather, \"rain\").is_err() {")]
            #[doc = concat!("    for remote in ", $handle, ".full_members(&weather) {")]
            ///         println!("{:?} does not read", remote.address());
            ///     }
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_send(
                &self,
                group: &zmtp_proto::group::Group,
                body: impl AsRef<[u8]>,
            ) -> Result<(), $crate::error::TrySendError<$message>> {
                self.0.try_send(group, <$message>::new(group, body))
            }

            /// Sends a message like [`try_send`](Self::try_send). The message is not copied.
            ///
            /// # Errors
            ///
            /// [`TrySendError`](crate::TrySendError) as from [`try_send`](Self::try_send).
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::{Group, GroupMessage};
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let message = GroupMessage::new(&Group::try_from("weather")?, "rain");
            #[doc = concat!($handle, ".try_send_message(message)?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_send_message(
                &self,
                message: $message,
            ) -> Result<(), $crate::error::TrySendError<$message>> {
                self.0.try_send(&message.group(), message)
            }

            /// Sends a message to a group; with [`no_drop`](crate::Builder::no_drop) waits for full
            /// queues, at most for `timeout`. (libzmq `ZMQ_SNDTIMEO`.)
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, the message was not sent to any member.
            ///
            /// # Errors
            ///
            /// [`SendError`](crate::SendError) with the message if the queue of a member stayed
            /// full, if the socket is closed, or if the message does not fit in a datagram of a
            /// `udp` endpoint.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            #[doc = $crate::socket::verbs::group_example!($socket, $handle)]
            #[doc = concat!(
                        $handle, ".send_timeout(&weather, \"rain\", Duration::from_secs(5)).await?;"
                    )]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn send_timeout(
                &self,
                group: &zmtp_proto::group::Group,
                body: impl AsRef<[u8]>,
                timeout: std::time::Duration,
            ) -> Result<(), $crate::error::SendError<$message>> {
                let message = <$message>::new(group, body);
                self.0.send_timeout(group, message, timeout).await
            }

            /// Returns the remotes that have joined a group, and those of `udp` endpoints, which
            /// receive all groups.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::group_example!($socket, $handle)]
            #[doc = concat!("println!(\"{} listeners\", ", $handle, ".members(&weather).len());")]
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn members(&self, group: &zmtp_proto::group::Group) -> Vec<$crate::remote::Remote> {
                self.0.core.outgoing.lock().members(group)
            }

            /// Returns the remotes that have joined a group and whose queue is full. They miss
            /// messages, or block senders with [`no_drop`](crate::Builder::no_drop).
            ///
            /// With `no_drop`, a sender can wait although this list is empty: free slots are
            /// reserved for earlier senders, which may wait for a full member of another group.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::group_example!($socket, $handle)]
            /// // Disconnect the members that do not keep up.
            #[doc = concat!("for remote in ", $handle, ".full_members(&weather) {")]
            #[doc = concat!("    ", $handle, ".remotes().disconnect(remote.connection_id());")]
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn full_members(
                &self,
                group: &zmtp_proto::group::Group,
            ) -> Vec<$crate::remote::Remote> {
                self.0.core.outgoing.lock().full_members(group)
            }
        }

        $crate::socket::verbs::batch_verbs!(
            $socket, $handle, $message, "send_message",
            "It waits only with [`no_drop`](crate::socket::Builder::no_drop), until the queues of all \
             members of the group of the next message have room.",
            "if the socket is closed, or if it is connected to a `udp` endpoint and a message does \
             not fit in a datagram. With [`no_drop`](crate::socket::Builder::no_drop), also if the queue \
             of a member stayed full for [`send_timeout`](crate::socket::Builder::send_timeout) after \
             the previous message was sent. By default, that time is unlimited.",
            "if the socket is closed, or if a message does not fit in a datagram of a `udp` endpoint. \
             With [`no_drop`](crate::socket::Builder::no_drop), also if the queue of a member is full, or \
             if its room is reserved for earlier senders.",
            "use tokio_zmtp::{Group, GroupMessage};",
            "",
            "let weather = Group::try_from(\"weather\")?;",
            "let forecasts = [\"rain\", \"wind\", \"sun\"].map(|body| GroupMessage::new(&weather, body));",
            "let mut messages = VecDeque::from(forecasts);"
        );

        impl $crate::socket::forwarding::Destination for $socket {}

        $crate::socket::verbs::sink! {
            /// Sends messages to their groups. Closing the sink flushes it and leaves the socket
            /// open.
            $socket: $message, $crate::error::SendError<$message>
        }
    };
}

pub(in crate::socket) use transmit_verbs;
