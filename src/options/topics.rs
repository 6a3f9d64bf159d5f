//! The options of sockets that remotes subscribe to.

use super::SlowSubscriber;

/// The options of PUB and XPUB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TopicOptions {
    /// The memory that all remotes may claim by subscribing.
    pub(crate) max_topic_bytes: usize,
    /// The memory that each of them may claim.
    pub(crate) max_topic_bytes_per_remote: usize,
    /// The number of topics that each of them may subscribe to.
    pub(crate) max_topics_per_remote: usize,
    pub(crate) slow_subscriber: SlowSubscriber,
}

impl TopicOptions {
    /// No limits.
    pub(crate) const UNLIMITED: Self = Self {
        max_topic_bytes: usize::MAX,
        max_topic_bytes_per_remote: usize::MAX,
        max_topics_per_remote: usize::MAX,
        slow_subscriber: SlowSubscriber::DropNewest,
    };
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            // libzmq has no such limits, and takes 1.7 kB for a topic of 32 bytes. Here, a topic
            // counts 288 bytes and its length. A remote may have 100,000 topics of 32 bytes, for
            // example a proxy that subscribes on behalf of others. The limit of all remotes is 32
            // times that of one.
            max_topic_bytes: 0x4000_0000,
            max_topic_bytes_per_remote: 0x200_0000,
            max_topics_per_remote: 100_000,
            // RFC 29: "SHALL silently drop the message if the queue for a subscriber is full".
            slow_subscriber: SlowSubscriber::DropNewest,
        }
    }
}
