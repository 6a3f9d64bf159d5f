//! Options for the distribution of messages among remotes, and the messages that remotes leave.

macro_rules! distribution_verbs {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Messages that remotes have left
        impl $socket {
            /// Receives a message that was queued for a remote that has left; waits until there is
            /// one. Requires [`Undelivered::Return`](crate::Undelivered::Return).
            ///
            /// Messages of a remote are received in the order in which they were sent. After the
            /// socket is closed, those that were not received are undelivered, and
            /// [`close_with_undelivered`](Self::close_with_undelivered) returns them.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, no message is lost.
            ///
            /// # Errors
            ///
            /// [`RecvReturnedError`](crate::RecvReturnedError) if the socket is closed, or if its
            /// option `undelivered` is not `Return`.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::{", stringify!($socket), ", Undelivered};")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
            ///     .undelivered(Undelivered::Return)
            ///     .bind("tcp://127.0.0.1:*")
            ///     .await?;
            #[doc = concat!("let handle = ", $handle, ".clone();")]
            /// tokio::spawn(async move {
            ///     while let Ok(message) = handle.recv_returned().await {
            ///         println!("not delivered: {message:?}");
            ///     }
            /// });
            /// # Ok(())
            /// # }
            /// ```
            pub async fn recv_returned(
                &self,
            ) -> Result<$message, $crate::error::RecvReturnedError> {
                $crate::socket::distribution::recv_returned(&self.0.core).await
            }

            /// Receives a message that was queued for a remote that has left, if there is one.
            ///
            /// # Errors
            ///
            /// [`TryRecvReturnedError`](crate::TryRecvReturnedError) if there is none, if the socket
            /// is closed, or if its option `undelivered` is not `Return`.
            ///
            /// # Examples
            ///
            /// ```
            /// use tokio_zmtp::TryRecvReturnedError;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("match ", $handle, ".try_recv_returned() {")]
            ///     Err(TryRecvReturnedError::Empty) => println!("everything is delivered or queued"),
            ///     returned => println!("not delivered: {:?}", returned?),
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_recv_returned(
                &self,
            ) -> Result<$message, $crate::error::TryRecvReturnedError> {
                $crate::socket::distribution::try_recv_returned(&self.0.core)
            }
        }

        /// # Distribution
        ///
        /// ```
        #[doc = concat!("use tokio_zmtp::{Balance, ", stringify!($socket), ", Undelivered};")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() {
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
        ///     .send_hwm(100)
        ///     .balance(Balance::ShortestQueue)
        ///     .undelivered(Undelivered::Return)
        ///     .returned_hwm(1_000)
        ///     .returned_hwm_bytes(16 << 20)
        ///     .build();
        /// # }
        /// ```
        impl $crate::socket::Builder<$socket> {
            /// Sets how messages are distributed among remotes. Default:
            /// [`Balance::RoundRobin`](crate::Balance::RoundRobin). (libzmq has no such option.)
            ///
            /// With [`Balance::ShortestQueue`](crate::Balance::ShortestQueue), a slow remote
            /// receives fewer messages than a fast one. The length of a queue does not include
            /// messages in the buffers of the system and those in the queue of the remote. Set a
            /// small [`send_buffer_size`](Self::send_buffer_size) and, in the remotes, a small
            /// `recv_hwm`, so that the queue of a slow remote grows early. Sending takes
            /// logarithmic time in the number of remotes.
            pub fn balance(mut self, balance: $crate::options::Balance) -> Self {
                self.options.distribution.balance = balance;
                self
            }

            /// Sets how many messages that remotes have left may wait to be redirected or returned;
            /// zero for any number. Messages above the limit are dropped and counted as
            /// undelivered. Default: 10,000.
            pub fn returned_hwm(mut self, messages: usize) -> Self {
                self.options.distribution.returned_hwm = messages;
                self
            }

            /// Sets how many bytes messages that remotes have left may take; zero for any number,
            /// the default. The message that reaches the limit is kept, and further ones are
            /// dropped and counted as undelivered.
            pub fn returned_hwm_bytes(mut self, bytes: usize) -> Self {
                self.options.distribution.returned_hwm_bytes = bytes;
                self
            }

            /// Sets what happens to the messages in the queue of a remote that leaves. Default:
            /// [`Undelivered::Drop`](crate::Undelivered::Drop). (libzmq drops them, and does not
            /// count them.)
            ///
            /// A remote that connected to the socket leaves when its connection ends. One that the
            /// socket connected to usually does not: its messages wait for the next connection. It
            /// leaves when it refuses the socket by an ERROR command, when its endpoint is
            /// disconnected, and with [`immediate`](Self::immediate) at the end of each connection.
            ///
            /// Messages that were written to the buffers of the system are neither redirected nor
            /// returned, even if the remote has not received them. A message that was written in
            /// part is redirected or returned, because the remote drops it. If two remotes end
            /// their connections within the same redirected message, it is dropped and counted as
            /// [refused](crate::stats::Dropped::refused).
            pub fn undelivered(mut self, undelivered: $crate::options::Undelivered) -> Self {
                self.options.distribution.undelivered = undelivered;
                self
            }
        }
    };
}

pub(in crate::socket) use distribution_verbs;
