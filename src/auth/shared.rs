//! The authenticator of a socket without its type, and the handling of its panics.

use std::any::Any;
use std::fmt;
use std::future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use super::{Admission, Authenticator, Caller, Credentials, Request, StatusCode};

use crate::quota::{Quota, within_quota};

/// A type-erased authenticator.
#[derive(Clone)]
pub(crate) struct SharedAuthenticator(Arc<dyn AnyAuthenticator>);

/// An authenticator and the remote that it decides about.
#[derive(Clone, Debug)]
pub(crate) struct AuthenticatorCall {
    pub(crate) authenticator: SharedAuthenticator,
    pub(crate) caller: Caller,
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Admission, StatusCode>> + Send + 'a>>;

/// The object-safe form of [`Authenticator`].
trait AnyAuthenticator: Send + Sync {
    fn authenticate(&self, request: Request) -> Answer<'_>;
    fn allows_handshake(&self, caller: &Caller) -> bool;
    fn as_any(&self) -> &dyn Any;
    fn is_same(&self, other: &dyn AnyAuthenticator) -> bool;
}

impl<A: Authenticator> AnyAuthenticator for A {
    fn authenticate(&self, request: Request) -> Answer<'_> {
        Box::pin(Authenticator::authenticate(self, request))
    }

    fn allows_handshake(&self, caller: &Caller) -> bool {
        Authenticator::allows_handshake(self, caller)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_same(&self, other: &dyn AnyAuthenticator) -> bool {
        let other = other.as_any().downcast_ref();
        other.is_some_and(|other| Authenticator::is_same(self, other))
    }
}

impl SharedAuthenticator {
    pub(crate) fn new(authenticator: impl Authenticator) -> Self {
        Self(Arc::new(authenticator))
    }

    /// Returns whether both are the same instance, or handles to one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.is_same(&*other.0)
    }
}

impl fmt::Debug for SharedAuthenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator(..)")
    }
}

impl AuthenticatorCall {
    /// Adds what is known of the remote since its stream is encrypted.
    #[cfg(feature = "tls")]
    pub(crate) fn with_admission(self, admission: &Admission) -> Self {
        Self { caller: Caller { admission: admission.clone(), ..self.caller }, ..self }
    }

    /// Returns whether a handshake with the remote may begin.
    pub(crate) fn allows_handshake(&self) -> bool {
        catch(|| self.authenticator.0.allows_handshake(&self.caller)).unwrap_or(false)
    }

    /// Requests a decision about the credentials of the remote.
    pub(crate) async fn authenticate(
        &self,
        credentials: Credentials,
    ) -> Result<Admission, StatusCode> {
        let request = Request { caller: self.caller.clone(), credentials };
        let mut answer = catch(|| self.authenticator.0.authenticate(request))?;
        let answered = future::poll_fn(|cx| match catch(|| answer.as_mut().poll(cx)) {
            Ok(polled) => polled,
            Err(status) => Poll::Ready(Err(status)),
        });
        answered.await.and_then(Admission::unless_revoked)
    }
}

/// A panic of the authenticator refuses the remote in question. The authenticator is responsible
/// for the state that it leaves behind.
fn catch<T>(ask: impl FnOnce() -> T) -> Result<T, StatusCode> {
    panic::catch_unwind(AssertUnwindSafe(ask)).map_err(|_| {
        within_quota!(PANICS, error, "the authenticator has panicked");
        StatusCode::InternalError
    })
}

/// Limits how often panics are logged, because a remote may be able to cause them.
static PANICS: Quota = Quota::new();
