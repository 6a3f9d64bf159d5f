//! Combinations of two authenticators.

use super::{Admission, Authenticator, Caller, Request, StatusCode};

/// Admits a remote if both admit it: see [`Authenticator::and`].
#[derive(Clone, Debug)]
pub struct And<A, B>(A, B);

/// Admits a remote if either admits it: see [`Authenticator::or`].
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

    fn allows_handshake(&self, caller: &Caller) -> bool {
        self.0.allows_handshake(caller) && self.1.allows_handshake(caller)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0) && self.1.is_same(&other.1)
    }
}

impl<A: Authenticator, B: Authenticator> Authenticator for Or<A, B> {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        // An authenticator that does not allow the handshake does not admit the remote either.
        let refused = if self.0.allows_handshake(&request.caller) {
            match self.0.authenticate(request.clone()).await {
                Ok(admission) => return Ok(admission),
                Err(refused) => refused,
            }
        } else {
            StatusCode::Denied
        };
        if self.1.allows_handshake(&request.caller) {
            self.1.authenticate(request).await
        } else {
            Err(refused)
        }
    }

    fn allows_handshake(&self, caller: &Caller) -> bool {
        self.0.allows_handshake(caller) || self.1.allows_handshake(caller)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.0.is_same(&other.0) && self.1.is_same(&other.1)
    }
}
