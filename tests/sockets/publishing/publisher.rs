//! PUB and XPUB, for tests that are generic over them.

use std::time::Duration;

use futures::Sink;
use tokio::task;
use tokio_zmtp::{
    Builder, Multipart, NoRemoteError, Pub, SendError, SendingSocket, SlowSubscriber, TrySendError,
    XPub,
};

use crate::xpub::requests;

/// Runs `async fn $test<P: Publisher>()` for both types.
macro_rules! for_either_publisher {
    ($test:ident) => {
        crate::one_way::for_pairs!($test [] publisher: Pub, xpub: XPub,);
    };
}
pub(super) use for_either_publisher;

/// A socket type that publishes.
pub(crate) trait Publisher:
    SendingSocket + Sink<Multipart, Error = SendError<Multipart>> + Unpin
{
    const NAME: &str;

    fn new() -> Self;

    /// Returns the options of a publisher that waits for full queues.
    fn patient() -> Builder<Self>;

    /// Returns the options of a publisher with limits of topics and of their bytes.
    fn limited(topics_per_remote: usize, topic_bytes: usize) -> Builder<Self>;

    fn send(
        &self,
        message: impl Into<Multipart> + Send,
    ) -> impl Future<Output = Result<(), SendError<Multipart>>> + Send;

    async fn send_timeout(
        &self,
        message: Multipart,
        timeout: Duration,
    ) -> Result<(), SendError<Multipart>>;

    fn try_send(&self, message: Multipart) -> Result<(), TrySendError<Multipart>>;

    async fn subscribed(&self, first_part: &[u8]) -> Result<(), NoRemoteError>;

    fn subscribers(&self, first_part: impl AsRef<[u8]>) -> usize;

    /// Waits until the only remote has subscribed to a topic. An XPUB receives its request.
    async fn until_requested(&self, topic: &str);

    /// Waits until the only remote has cancelled a topic. An XPUB receives its request.
    async fn until_cancelled(&self, topic: &str);
}

macro_rules! publisher {
    ($socket:ident, |$publisher:ident, $topic:ident| $until_requested:expr, $until_cancelled:expr) => {
        impl Publisher for $socket {
            const NAME: &str = stringify!($socket);

            fn new() -> Self {
                Self::new()
            }

            fn patient() -> Builder<Self> {
                Self::builder().slow_subscriber(SlowSubscriber::Wait)
            }

            fn limited(topics_per_remote: usize, topic_bytes: usize) -> Builder<Self> {
                let builder = Self::builder().max_topics_per_remote(topics_per_remote);
                builder.max_topic_bytes(topic_bytes)
            }

            async fn send(
                &self,
                message: impl Into<Multipart> + Send,
            ) -> Result<(), SendError<Multipart>> {
                self.send(message).await
            }

            async fn send_timeout(
                &self,
                message: Multipart,
                timeout: Duration,
            ) -> Result<(), SendError<Multipart>> {
                self.send_timeout(message, timeout).await
            }

            fn try_send(&self, message: Multipart) -> Result<(), TrySendError<Multipart>> {
                self.try_send(message)
            }

            async fn subscribed(&self, first_part: &[u8]) -> Result<(), NoRemoteError> {
                self.subscribed(first_part).await
            }

            fn subscribers(&self, first_part: impl AsRef<[u8]>) -> usize {
                self.subscribers(first_part)
            }

            async fn until_requested(&self, $topic: &str) {
                let $publisher = self;
                $until_requested;
            }

            async fn until_cancelled(&self, $topic: &str) {
                let $publisher = self;
                $until_cancelled;
            }
        }
    };
}

publisher!(
    Pub,
    |publisher, topic| publisher.subscribed(topic).await.unwrap(),
    while publisher.subscribers(topic) > 0 {
        task::yield_now().await;
    }
);
publisher!(
    XPub,
    |publisher, topic| assert_eq!(requests(publisher).await, [format!("+{topic}")]),
    assert_eq!(requests(publisher).await, [format!("-{topic}")])
);
