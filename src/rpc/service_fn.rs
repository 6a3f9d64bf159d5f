//! Functions as services.

use std::task::{Context, Poll};

use tower_service::Service;

use crate::rpc::Request;

/// Creates a service from an asynchronous function. The service is always ready.
///
/// A program that depends on `tower` can use `tower::service_fn` instead.
///
/// # Examples
///
/// ```
/// use tokio_zmtp::rpc::{Failure, Request, service_fn};
///
/// let echo = service_fn(|request: Request| async move { Ok::<_, Failure>(request.into_body()) });
/// ```
pub const fn service_fn<F>(function: F) -> ServiceFn<F> {
    ServiceFn(function)
}

/// The service that [`service_fn`] returns.
#[derive(Clone, Copy, Debug)]
pub struct ServiceFn<F>(F);

impl<F, Fut, T, E> Service<Request> for ServiceFn<F>
where
    F: FnMut(Request) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Response = T;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Fut {
        (self.0)(request)
    }
}
