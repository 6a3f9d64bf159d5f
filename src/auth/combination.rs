//! Authenticators made of two.

use super::{Admission, Authenticator, Caller, Request, StatusCode};

/// Lets in whom both let in: see [`Authenticator::and`].
#[derive(Clone, Debug)]
pub struct And<A, B>(A, B);

/// Lets in whom either lets in: see [`Authenticator::or`].
#[derive(Clone, Debug)]
pub struct Or<A, B>(A, B);

impl<A, B> And<A, B> {
    pub(super) const fn new(first: A, second: B) -> Self {
        Self(first, second)
    }
}

impl<A, B> Or<A, B> {
    pub(super) const fn new(first: A, second: B) -> Self {
        Self(first, second)
    }
}

impl<A: Authenticator, B: Authenticator> Authenticator for And<A, B> {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        let first = self.0.authenticate(request.clone()).await?;
        let second = self.1.authenticate(request).await?;
        Ok(second.after(first))
    }

    fn hears(&self, caller: &Caller) -> bool {
        self.0.hears(caller) && self.1.hears(caller)
    }
}

impl<A: Authenticator, B: Authenticator> Authenticator for Or<A, B> {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        // One that would not have heard the remote does not let it in either.
        let refused = if self.0.hears(&request.caller) {
            match self.0.authenticate(request.clone()).await {
                Ok(admission) => return Ok(admission),
                Err(refused) => refused,
            }
        } else {
            StatusCode::Denied
        };
        if self.1.hears(&request.caller) {
            self.1.authenticate(request).await
        } else {
            Err(refused)
        }
    }

    fn hears(&self, caller: &Caller) -> bool {
        self.0.hears(caller) || self.1.hears(caller)
    }
}
