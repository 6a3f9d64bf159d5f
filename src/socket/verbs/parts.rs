//! The option for the number of parts of received messages.

macro_rules! parts_option {
    ($socket:ident) => {
        impl $crate::socket::Builder<$socket> {
            /// Sets how many parts a message of a remote may have; zero for any number. A message
            /// with more parts ends the connection. Default: 65,536. (libzmq has no limit.)
            ///
            /// Together with [`max_message_size`](Self::max_message_size), which limits the sum of
            /// the parts, it bounds the memory that a message takes before it is complete. Empty
            /// parts take memory as well, and a remote might never send the last one.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let socket = ", stringify!($socket), "::builder()")]
            ///     .max_message_parts(10)
            ///     .max_message_size(1 << 20)
            ///     .bind("tcp://127.0.0.1:*")
            ///     .await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn max_message_parts(mut self, parts: usize) -> Self {
                self.options.max_message_parts = parts;
                self
            }
        }
    };
}

pub(in crate::socket) use parts_option;
