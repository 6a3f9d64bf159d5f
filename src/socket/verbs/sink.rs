//! `Sink`, with the methods of [`Handle`](crate::socket::Handle) for it.

/// Implements `Sink` for messages of a type, or for everything that converts into them.
macro_rules! sink {
    ($(#[$attribute:meta])* $socket:ident: Into<$message:ty>, $error:ty) => {
        $(#[$attribute])*
        impl<M: Into<$message>> futures_sink::Sink<M> for $socket {
            $crate::socket::verbs::sink!(@methods M, $message, $error);
        }
    };
    ($(#[$attribute:meta])* $socket:ident: $message:ty, $error:ty) => {
        $(#[$attribute])*
        impl futures_sink::Sink<$message> for $socket {
            $crate::socket::verbs::sink!(@methods $message, $message, $error);
        }
    };
    (@methods $item:ty, $message:ty, $error:ty) => {
        type Error = $error;

        fn poll_ready(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), $error>> {
            self.0.poll_ready(cx)
        }

        fn start_send(
            mut self: std::pin::Pin<&mut Self>,
            message: $item,
        ) -> Result<(), $error> {
            let message: $message = message.into();
            self.0.start_send(message)
        }

        fn poll_flush(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), $error>> {
            self.0.poll_flush(cx)
        }

        fn poll_close(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), $error>> {
            self.0.poll_flush(cx)
        }
    };
}

pub(in crate::socket) use sink;
