//! Requests and their replies: `request` and its variant, and their options.

macro_rules! request_verbs {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Requests
        impl $socket {
            /// Sends a request to the next connected remote, and returns its reply.
            ///
            /// Any number of tasks can wait for replies concurrently. The request waits while no
            /// remote is connected, and while the queues of all connected remotes are full. If its
            /// connection ends before it is written, it goes to the next remote.
            ///
            /// By default the call waits indefinitely for the reply:
            /// [`Builder::request_timeout`](crate::Builder::request_timeout) sets a limit. By
            /// default the request is sent once: see [Attempts](Self#attempts).
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the request is abandoned: it is not sent if it was not
            /// queued, and otherwise its reply will be discarded and
            /// [counted](crate::stats::Dropped::stray_replies). Other requests are not affected.
            ///
            /// # Errors
            ///
            /// [`RequestError`](crate::RequestError) if the socket is closed, if the connection is
            /// lost after the request was written, if the remote refuses the request by ending its
            /// connections, if no endpoint is left because the last one was abandoned, or if the
            /// time limit is reached. The error holds the request if no remote has received it.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let reply = ", $handle, ".request([\"price\", \"tea\"]).await?;")]
            /// println!("{:?}", reply.first());
            /// # Ok(())
            /// # }
            /// ```
            // An `async fn` would move the request and the reply once more.
            #[inline]
            pub fn request(
                &self,
                message: impl Into<$message>,
            ) -> impl Future<Output = Result<$message, $crate::error::RequestError>> + Send {
                let options = &self.0.core.control.shared().options.requests;
                self.0.request(message.into(), options.timeout)
            }

            /// Sends a request like [`request`](Self::request), and waits for its reply for at most
            /// `timeout`, with all attempts. With a timeout of zero, nothing is sent.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the request is abandoned, as by
            /// [`request`](Self::request).
            ///
            /// # Errors
            ///
            /// [`RequestError`](crate::RequestError) as from [`request`](Self::request).
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!(
                        "let reply = ", $handle, ".request_timeout(\"hello\", Duration::from_secs(5)).await?;"
                    )]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn request_timeout(
                &self,
                message: impl Into<$message>,
                timeout: std::time::Duration,
            ) -> Result<$message, $crate::error::RequestError> {
                self.0.request(message.into(), Some(timeout)).await
            }
        }

        /// # Requests
        ///
        /// ```
        /// use std::time::Duration;
        #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// // Three attempts of a second each, and five seconds for everything.
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
        ///     .attempts(3)
        ///     .attempt_timeout(Duration::from_secs(1))
        ///     .request_timeout(Duration::from_secs(5))
        ///     .build();
        /// // For a program that does not return the envelope of a request.
        #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder().correlate(false).build();")]
        /// # Ok(())
        /// # }
        /// ```
        impl $crate::socket::Builder<$socket> {
            /// Sets how long one attempt waits for the reply after the request was queued for a
            /// remote; `None` for no limit. Default: `None`. (libzmq has no such option.)
            ///
            /// While no remote is connected, or all queues are full, no attempt begins, and this
            /// limit does not apply: set [`request_timeout`](Self::request_timeout) or
            /// [`send_timeout`](Self::send_timeout) as well.
            pub fn attempt_timeout(
                mut self,
                limit: impl Into<Option<std::time::Duration>>,
            ) -> Self {
                self.options.requests.attempt_timeout = limit.into();
                self
            }

            /// Sets the maximum number of times that a request is sent. It is sent again, to the
            /// next remote, when the connection is lost or
            /// [`attempt_timeout`](Self::attempt_timeout) is reached. Zero counts as one. Default: 1.
            /// (libzmq has no such option.)
            ///
            /// A request that is sent several times can be carried out several times. Raise the
            /// number only if repetition is harmless, or if the remotes recognize repeated
            /// requests. A request that was certainly not written goes to another remote in any
            /// case, and this does not count as an attempt.
            pub fn attempts(mut self, attempts: u32) -> Self {
                self.options.requests.attempts = attempts;
                self
            }

            /// Sets whether requests carry a correlation id, which the remote returns with the
            /// reply. Default: true. (libzmq `ZMQ_REQ_CORRELATE` with `ZMQ_REQ_RELAXED`, which are
            /// false by default.)
            ///
            /// A REP returns it, and so does a ROUTER that sends the parts before the empty one
            /// back unchanged. Set this to false for a ROUTER that reads and writes messages of a
            /// fixed form. There is then one request at a time for each remote, and others wait or
            /// go to other remotes. See [Correlation](crate::Req#correlation).
            pub fn correlate(mut self, correlate: bool) -> Self {
                self.options.requests.correlate = correlate;
                self
            }

            /// Sets the time limit of [`request`](crate::Req::request), with all attempts; `None`
            /// to wait indefinitely, zero to send nothing. Default: `None`. (libzmq has no such
            /// option: `ZMQ_RCVTIMEO` leaves the socket in a state in which it cannot send.)
            pub fn request_timeout(
                mut self,
                limit: impl Into<Option<std::time::Duration>>,
            ) -> Self {
                self.options.requests.timeout = limit.into();
                self
            }
        }
    };
}

pub(in crate::socket) use request_verbs;
