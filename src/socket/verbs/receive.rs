//! Receiving: `recv`, its variants and `Stream`.

macro_rules! receive_verbs {
    ($socket:ident, $handle:literal, $message:ty) => {
        /// # Receiving
        impl $socket {
            /// Receives the next message; waits until there is one.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, no message is lost.
            ///
            /// # Errors
            ///
            /// [`RecvError`](crate::RecvError) if the socket is closed and all its messages have
            /// been received, or if no message arrived within
            /// [`recv_timeout`](crate::Builder::recv_timeout), which by default is unlimited.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let message = ", $handle, ".recv().await?;")]
            /// println!("{message:?}");
            /// # Ok(())
            /// # }
            /// ```
            // An `async fn` would move every message once more.
            #[inline]
            pub fn recv(
                &self,
            ) -> impl Future<Output = Result<$message, $crate::error::RecvError>> + Send {
                let core = &self.0.core;
                $crate::socket::receiving::Receiving::new(core, core.recv_timeout)
            }

            /// Receives the next message if one is available.
            ///
            /// # Errors
            ///
            /// [`TryRecvError`](crate::TryRecvError) if no message is available, or if the socket
            /// is closed and all its messages have been received.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("while let Ok(message) = ", $handle, ".try_recv() {")]
            ///     println!("{message:?}");
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_recv(&self) -> Result<$message, $crate::error::TryRecvError> {
                $crate::socket::receiving::try_receive(&self.0.core)
            }

            /// Receives the next message; waits until there is one, at most for `timeout`. A
            /// timeout of zero does not wait. (libzmq `ZMQ_RCVTIMEO`.)
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, no message is lost.
            ///
            /// # Errors
            ///
            /// [`RecvError`](crate::RecvError) if no message arrived in time, or if the socket is
            /// closed and all its messages have been received.
            ///
            /// # Examples
            ///
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!(
                        "let message = ", $handle, ".recv_timeout(Duration::from_secs(5)).await?;"
                    )]
            /// # Ok(())
            /// # }
            /// ```
            pub async fn recv_timeout(
                &self,
                timeout: std::time::Duration,
            ) -> Result<$message, $crate::error::RecvError> {
                $crate::socket::receiving::Receiving::new(&self.0.core, Some(timeout)).await
            }

            /// Receives the next message and the remote that sent it; waits until there is one.
            ///
            /// This changes a reference count of the remote, which [`recv`](Self::recv) does not.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, no message is lost.
            ///
            /// # Errors
            ///
            /// [`RecvError`](crate::RecvError) as from [`recv`](Self::recv).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("let (message, remote) = ", $handle, ".recv_from().await?;")]
            /// println!("{message:?} from {:?}", remote.address());
            /// # Ok(())
            /// # }
            /// ```
            pub async fn recv_from(
                &self,
            ) -> Result<($message, $crate::remote::Remote), $crate::error::RecvError> {
                let core = &self.0.core;
                $crate::socket::receiving::ReceivingFrom::new(core, core.recv_timeout).await
            }

            /// Receives the next message and the remote that sent it, if one is available.
            ///
            /// # Errors
            ///
            /// [`TryRecvError`](crate::TryRecvError) as from [`try_recv`](Self::try_recv).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            #[doc = concat!("while let Ok((message, remote)) = ", $handle, ".try_recv_from() {")]
            ///     println!("{message:?} from {:?}", remote.address());
            /// }
            /// # Ok(())
            /// # }
            /// ```
            pub fn try_recv_from(
                &self,
            ) -> Result<($message, $crate::remote::Remote), $crate::error::TryRecvError> {
                $crate::socket::receiving::try_receive_from(&self.0.core)
            }

            /// Receives all available messages, up to `limit`; waits until there is one. Appends
            /// them to `buffer`, and returns their number, which is zero only if `limit` is zero.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped before it is ready, no message is lost, and `buffer` is
            /// unchanged.
            ///
            /// # Errors
            ///
            /// [`RecvError`](crate::RecvError) as from [`recv`](Self::recv).
            ///
            /// # Examples
            ///
            /// ```
            #[doc = $crate::socket::verbs::example!($socket, $handle)]
            /// let mut batch = Vec::new();
            #[doc = concat!("let received = ", $handle, ".recv_many(&mut batch, 100).await?;")]
            /// assert_eq!(received, batch.len());
            /// # Ok(())
            /// # }
            /// ```
            pub async fn recv_many(
                &self,
                buffer: &mut Vec<$message>,
                limit: usize,
            ) -> Result<usize, $crate::error::RecvError> {
                if limit == 0 {
                    return Ok(0);
                }
                let core = &self.0.core;
                $crate::socket::receiving::ReceivingMany::new(
                    core,
                    buffer,
                    limit,
                    core.recv_timeout,
                )
                .await
            }
        }

        impl $crate::socket::forwarding::Source for $socket {}

        /// Yields received messages; ends when the socket is closed.
        impl futures_core::Stream for $socket {
            type Item = $message;

            fn poll_next(
                mut self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<$message>> {
                self.0.poll_next(cx)
            }
        }
    };
}

pub(in crate::socket) use receive_verbs;
