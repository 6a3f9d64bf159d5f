//! Options for messages that a socket sends or receives when a connection begins or ends.

macro_rules! hello_option {
    ($socket:ident) => {
        impl $crate::socket::Builder<$socket> {
            /// Sets a message that is sent first on every connection, including re-established
            /// ones. Default: none. (libzmq `ZMQ_HELLO_MSG`.)
            ///
            /// Neither the high-water mark nor the statistics count it.
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let socket = ", stringify!($socket), "::builder()")]
            ///     .hello_message("hello")
            ///     .connect("tcp://192.0.2.1:5555")
            ///     .await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn hello_message(mut self, body: impl Into<bytes::Bytes>) -> Self {
                self.options.hello_message = Some(body.into());
                self
            }
        }
    };
}

macro_rules! hiccup_option {
    ($socket:ident, $handle:literal) => {
        impl $crate::socket::Builder<$socket> {
            #[doc = concat!("Sets a message that the ", $handle, " receives when a connection that it")]
            /// dialed breaks after the handshake. It follows all messages of the remote. Default:
            /// none. (libzmq `ZMQ_HICCUP_MSG`.)
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
            ///     .hiccup_message("connection lost")
            ///     .connect("tcp://192.0.2.1:5555")
            ///     .await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn hiccup_message(mut self, body: impl Into<bytes::Bytes>) -> Self {
                self.options.hiccup_message = Some(body.into());
                self
            }
        }
    };
}

macro_rules! disconnect_option {
    ($socket:ident, $handle:literal) => {
        impl $crate::socket::Builder<$socket> {
            #[doc = concat!("Sets a message that the ", $handle, " receives, with the routing id or the")]
            /// identity of the remote, when an accepted connection ends after the handshake.
            /// Default: none. (libzmq `ZMQ_DISCONNECT_MSG`.)
            ///
            /// It follows all messages of the remote, which can no longer be reached by this id.
            #[doc = concat!("The ", $handle, " does not receive it for connections that it ends itself.")]
            ///
            /// # Examples
            ///
            /// ```
            #[doc = concat!("use tokio_zmtp::", stringify!($socket), ";")]
            ///
            /// # #[tokio::main(flavor = "current_thread")]
            /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
            #[doc = concat!("let ", $handle, " = ", stringify!($socket), "::builder()")]
            ///     .disconnect_message("gone")
            ///     .bind("tcp://127.0.0.1:*")
            ///     .await?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn disconnect_message(mut self, body: impl Into<bytes::Bytes>) -> Self {
                self.options.disconnect_message = Some(body.into());
                self
            }
        }
    };
}

pub(in crate::socket) use {disconnect_option, hello_option, hiccup_option};
