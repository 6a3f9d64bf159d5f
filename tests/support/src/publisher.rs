//! PUB and XPUB, for tests and measurements that are generic over them.

use std::collections::VecDeque;
use std::time::Duration;

use futures_sink::Sink;
use tokio::task;
use tokio_zmtp::{
    Builder, Multipart, NoRemoteError, Pub, SendError, SendingSocket, SlowSubscriber, TrySendError,
    Upstream, XPub,
};

/// A socket type that publishes.
pub trait Publisher: SendingSocket + Sink<Multipart, Error = SendError<Multipart>> + Unpin {
    const NAME: &str;

    fn builder() -> Builder<Self>;

    fn new() -> Self;

    /// Returns the options of a publisher that waits for full queues.
    fn patient() -> Builder<Self>;

    /// Returns the options of a publisher with limits of topics and of their bytes, of which one
    /// remote can have all.
    fn limited(topics_per_remote: usize, topic_bytes: usize) -> Builder<Self>;

    fn send(
        &self,
        message: impl Into<Multipart> + Send,
    ) -> impl Future<Output = Result<(), SendError<Multipart>>> + Send;

    fn send_many(
        &self,
        messages: &mut VecDeque<Multipart>,
    ) -> impl Future<Output = Result<(), SendError<()>>> + Send;

    fn try_send_many(&self, messages: &mut VecDeque<Multipart>) -> Result<(), TrySendError<()>>;

    fn send_timeout(
        &self,
        message: Multipart,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), SendError<Multipart>>> + Send;

    fn try_send(&self, message: Multipart) -> Result<(), TrySendError<Multipart>>;

    fn subscribed(
        &self,
        first_part: &[u8],
    ) -> impl Future<Output = Result<(), NoRemoteError>> + Send;

    fn subscribers(&self, first_part: impl AsRef<[u8]>) -> usize;

    /// Waits until the only remote has subscribed to a topic. An XPUB receives its request.
    fn until_requested(&self, topic: &str) -> impl Future<Output = ()> + Send;

    /// Waits until the only remote has cancelled a topic. An XPUB receives its request.
    fn until_cancelled(&self, topic: &str) -> impl Future<Output = ()> + Send;
}

macro_rules! publisher {
    ($socket:ident, |$publisher:ident, $topic:ident| $until_requested:expr, $until_cancelled:expr) => {
        impl Publisher for $socket {
            const NAME: &str = stringify!($socket);

            fn builder() -> Builder<Self> {
                Self::builder()
            }

            fn new() -> Self {
                Self::new()
            }

            fn patient() -> Builder<Self> {
                Self::builder().slow_subscriber(SlowSubscriber::Wait)
            }

            fn limited(topics_per_remote: usize, topic_bytes: usize) -> Builder<Self> {
                let builder = Self::builder().max_topics_per_remote(topics_per_remote);
                builder.max_topic_bytes_per_remote(topic_bytes).max_topic_bytes(topic_bytes)
            }

            async fn send(
                &self,
                message: impl Into<Multipart> + Send,
            ) -> Result<(), SendError<Multipart>> {
                self.send(message).await
            }

            async fn send_many(
                &self,
                messages: &mut VecDeque<Multipart>,
            ) -> Result<(), SendError<()>> {
                self.send_many(messages).await
            }

            fn try_send_many(
                &self,
                messages: &mut VecDeque<Multipart>,
            ) -> Result<(), TrySendError<()>> {
                self.try_send_many(messages)
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
    |publisher, topic| match publisher.recv().await.unwrap() {
        Upstream::Subscribe(request) => assert_eq!(request.topic(), topic.as_bytes()),
        other => panic!("{other:?} is not a subscription"),
    },
    match publisher.recv().await.unwrap() {
        Upstream::Cancel(request) => assert_eq!(request.topic(), topic.as_bytes()),
        other => panic!("{other:?} is not a cancellation"),
    }
);
