//! The subscriptions of a socket: `subscribe`, `unsubscribe` and `subscriptions`.

macro_rules! subscribe_verbs {
    ($socket:ident, $handle:literal) => {
        /// # Subscriptions
        impl $socket {
            /// Subscribes to a topic: from now on, the socket receives messages whose first part
            /// begins with it. (libzmq `ZMQ_SUBSCRIBE`.)
            ///
            /// The subscription is announced to each remote immediately, and again on every new
            /// connection. Messages arrive after a remote has processed it. Repeated subscriptions
            /// to a topic are counted: each requires its own call of
            /// [`unsubscribe`](Self::unsubscribe).
            ///
            /// # Errors
            ///
            /// [`TopicError`](crate::TopicError) if the topic is longer than
            /// [32 KiB](crate::Topic::LEN_MAX).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".subscribe(\"weather.\")?;")]
            #[doc = concat!($handle, ".subscribe([0x00, 0xFF])?;")]
            #[doc = concat!("assert_eq!(", $handle, ".subscriptions().len(), 2);")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn subscribe(
                &self,
                topic: impl AsRef<[u8]>,
            ) -> Result<(), zmtp_proto::topic::TopicError> {
                let topic = zmtp_proto::topic::Topic::try_from(topic.as_ref())?;
                self.0.core.add_interest(&topic);
                Ok(())
            }

            /// Ends one subscription to a topic. Returns false, and changes nothing, if the socket
            /// has not subscribed to the topic. (libzmq `ZMQ_UNSUBSCRIBE`.)
            ///
            /// After the last subscription to the topic has ended, a [`Sub`](crate::Sub) discards
            /// messages that match no other subscription, even if they have already arrived. An
            /// [`XSub`](crate::XSub) still receives messages that arrive afterwards.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!($handle, ".subscribe(\"weather.\")?;")]
            #[doc = concat!("assert!(", $handle, ".unsubscribe(\"weather.\"));")]
            #[doc = concat!("assert!(!", $handle, ".unsubscribe(\"weather.\"));")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> bool {
                // A topic that is too long has no subscription.
                let topic = zmtp_proto::topic::Topic::try_from(topic.as_ref());
                topic.is_ok_and(|topic| self.0.core.remove_interest(&topic))
            }

            /// Returns the topics that the socket has subscribed to, each once and in the order of
            /// their bytes.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("for topic in ", $handle, ".subscriptions() {")]
            ///     println!("{topic}");
            /// }
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn subscriptions(&self) -> Vec<zmtp_proto::topic::Topic> {
                self.0.core.outgoing.lock().interests()
            }
        }

        /// # Subscriptions
        ///
        /// ```
        #[doc = concat!("use tokio_zmtp::{", stringify!($socket), ", Topic};")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
        ///     .subscribe("weather.".parse()?)
        ///     .connect("tcp://192.0.2.1:5556")
        ///     .await?;
        #[doc = concat!(
                    "assert_eq!(", $handle, ".subscriptions(), [Topic::try_from(\"weather.\")?]);"
                )]
        /// # Ok(())
        /// # }
        /// ```
        impl $crate::socket::Builder<$socket> {
            /// Adds a topic that the socket subscribes to when it is created. Default: none.
            pub fn subscribe(mut self, topic: zmtp_proto::topic::Topic) -> Self {
                self.options.subscriptions.subscribe.push(topic);
                self
            }
        }
    };
}

macro_rules! invert_matching_option {
    ($socket:ident, $handle:literal) => {
        impl $crate::socket::Builder<$socket> {
            /// Sets whether the socket receives the messages that match *no* subscription, instead
            /// of those that do. Default: false. (libzmq `ZMQ_INVERT_MATCHING`.)
            ///
            /// Set the option on the publishers as well. An [`XPub`](crate::XPub) has it; a
            /// [`Pub`](crate::Pub) does not.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
            ///     .subscribe("weather.".parse()?)
            ///     .invert_matching(true)
            ///     .connect("tcp://192.0.2.1:5556")
            ///     .await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn invert_matching(mut self, invert: bool) -> Self {
                self.options.subscriptions.invert_matching = invert;
                self
            }
        }
    };
}

pub(in crate::socket) use {invert_matching_option, subscribe_verbs};
