//! An async operation, and what operations share.

use std::future;
use std::pin::Pin;
use std::time::Duration;

use fastrand::Rng;
use futures::Sink;
use futures::future::LocalBoxFuture;

use super::scene::{Cast, Effect};

/// An async operation.
pub(super) struct Operation<C = Cast> {
    /// The type and the method.
    pub(super) name: &'static str,
    pub(super) effect: Effect,
    /// Starts the operation, and records its result.
    pub(super) start: fn(C) -> LocalBoxFuture<'static, ()>,
}

/// Declares operations that are repeated, which adds await points.
macro_rules! operations {
    ($($name:literal $effect:ident |$cast:ident| $body:block)*) => {
        &[$($crate::every_await::operation::Operation {
            name: $name,
            effect: $crate::every_await::scene::Effect::$effect,
            start: |mut cast| Box::pin(async move {
                let $cast = &mut cast;
                for _ in 0..$crate::every_await::operation::SEVERAL $body
            }),
        }),*]
    };
}
pub(super) use operations;

/// Waits until a sink is ready for a message.
pub(super) async fn ready<M, S: Sink<M> + Unpin>(sink: &mut S) -> Result<(), S::Error> {
    future::poll_fn(|cx| Pin::new(&mut *sink).poll_ready(cx)).await
}

/// Returns the shortest timeout or a long one.
pub(super) fn limit(rng: &mut Rng) -> Duration {
    if rng.u8(..4) == 0 { Duration::ZERO } else { LONG }
}

pub(super) const LONG: Duration = Duration::from_secs(3_600);

/// The number of repetitions of an operation, which add await points.
pub(super) const SEVERAL: usize = 3;
