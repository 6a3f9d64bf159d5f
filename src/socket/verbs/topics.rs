//! Options of a socket that remotes subscribe to.

macro_rules! topic_options {
    ($socket:ident, $handle:literal) => {
        /// # Subscriptions
        ///
        /// ```
        #[doc = concat!("use tokio_zmtp::{", stringify!($socket), ", SlowSubscriber};")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
        ///     .max_topic_bytes(64 << 20)
        ///     .max_topic_bytes_per_remote(1 << 20)
        ///     .max_topics_per_remote(1_000)
        ///     .slow_subscriber(SlowSubscriber::DropOldest)
        ///     .subscription_events(true)
        ///     .build();
        /// # Ok(())
        /// # }
        /// ```
        impl $crate::socket::Builder<$socket> {
            /// Sets how much memory the topics of all remotes may take, in bytes. A remote that
            /// subscribes to a topic beyond the limit is disconnected. Default: 1 GiB. (libzmq has
            /// no such option.)
            ///
            /// A topic counts as 256 bytes plus its length, and each of its subscribers as 32 more
            /// bytes. This is an upper bound: usually less than half of the memory is used. The
            /// topics of a remote that has left count until they are released, which takes a moment
            /// if there are many. Limit the number of untrusted remotes, or the memory of
            /// [each](Self::max_topic_bytes_per_remote), so that other remotes can still subscribe.
            pub fn max_topic_bytes(mut self, bytes: usize) -> Self {
                self.options.topics.max_topic_bytes = bytes;
                self
            }

            /// Sets how much memory the topics of one remote may take, in bytes. A remote that
            /// subscribes to a topic beyond the limit is disconnected. Default: 32 MiB. (libzmq has
            /// no such option.)
            ///
            /// A topic counts as 288 bytes plus its length, whether or not other remotes have
            /// subscribed to it.
            pub fn max_topic_bytes_per_remote(mut self, bytes: usize) -> Self {
                self.options.topics.max_topic_bytes_per_remote = bytes;
                self
            }

            /// Sets how many topics one remote may subscribe to; zero permits none. A remote that
            /// subscribes to more is disconnected. Default: 100,000. (libzmq has no such option.)
            pub fn max_topics_per_remote(mut self, topics: usize) -> Self {
                self.options.topics.max_topics_per_remote = topics;
                self
            }

            /// Sets the policy for messages to a subscriber whose queue is full. Default:
            /// [`SlowSubscriber::DropNewest`](crate::SlowSubscriber::DropNewest), as RFC 29
            /// requires. (libzmq `ZMQ_XPUB_NODROP` selects
            /// [`Wait`](crate::SlowSubscriber::Wait), and `ZMQ_CONFLATE` resembles
            /// [`KeepLast`](crate::SlowSubscriber::KeepLast).)
            pub fn slow_subscriber(
                mut self,
                slow_subscriber: $crate::options::SlowSubscriber,
            ) -> Self {
                self.options.topics.slow_subscriber = slow_subscriber;
                self
            }

            /// Sets whether the [`monitor`](crate::Pub::monitor) reports the new and the cancelled
            /// subscriptions of remotes, as
            /// [`Subscribed`](crate::monitor::EventKind::Subscribed) and
            /// [`Cancelled`](crate::monitor::EventKind::Cancelled). Default: false. (libzmq has no
            /// such option; an XPUB receives them as messages.)
            ///
            /// The end of a connection also ends its subscriptions, without further events. A
            /// monitor that is not read misses events, and a remote with many topics can displace
            /// all other events.
            pub fn subscription_events(mut self, subscription_events: bool) -> Self {
                self.options.subscription_events = subscription_events;
                self
            }
        }
    };
}

pub(in crate::socket) use topic_options;
