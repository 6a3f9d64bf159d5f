//! Responses of a service.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project::pin_project;

use crate::message::Message;
use crate::rpc::Failure;
use crate::rpc::service_error::BoxError;

/// The response of a service: one body, or a stream of bodies.
///
/// Every type that converts into a [`Message`] converts into a response with one body.
pub struct Response(pub(super) Form);

/// The two forms of a response.
pub(super) enum Form {
    One(Message),
    Stream(Parts),
}

/// A stream of bodies.
pub(super) type Parts = Pin<Box<dyn Stream<Item = Result<Message, Failure>> + Send>>;

impl Response {
    /// Creates a response with one body.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::rpc::{Failure, Request, Response, service_fn};
    ///
    /// let echo = service_fn(|request: Request| async move {
    ///     Ok::<_, Failure>(Response::new(request.into_body()))
    /// });
    /// ```
    pub fn new(body: impl Into<Message>) -> Self {
        Self(Form::One(body.into()))
    }

    /// Creates a response with one body for each item of a stream, at the pace of the requester.
    /// The stream is polled for the next item when there is credit for the previous one. An item
    /// that is an error ends the reply, as an error of the service does.
    ///
    /// Only [`Requester::stream`](super::Requester::stream) can receive such a response.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::stream;
    /// use tokio_zmtp::rpc::{Failure, Response};
    ///
    /// let numbers = stream::iter(["one", "two", "three"].map(Ok::<_, Failure>));
    /// let response = Response::stream(numbers);
    /// ```
    pub fn stream<S, T, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Into<Message>,
        E: Into<BoxError>,
    {
        Self(Form::Stream(Box::pin(Converted(stream))))
    }
}

impl<T: Into<Message>> From<T> for Response {
    #[inline]
    fn from(body: T) -> Self {
        Self::new(body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::One(body) => f.debug_tuple("Response").field(body).finish(),
            Form::Stream(_) => f.write_str("Response(stream)"),
        }
    }
}

/// A stream whose items become bodies.
#[pin_project]
struct Converted<S>(#[pin] S);

impl<S, T, E> Stream for Converted<S>
where
    S: Stream<Item = Result<T, E>>,
    T: Into<Message>,
    E: Into<BoxError>,
{
    type Item = Result<Message, Failure>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = self.project().0.poll_next(cx);
        item.map(|item| {
            item.map(|item| item.map(T::into).map_err(|error| Failure::from_error(error.into())))
        })
    }
}
