//! The key pairs that a server accepts.

use std::fmt;
use std::sync::Arc;

use super::keys::CurveKeypair;

/// Key pairs of a server, which can change while a handshake waits for its remote.
pub trait AcceptedKeypairs: Send + Sync {
    /// Returns the key pairs that are accepted now. A HELLO is tried with each of them, in this
    /// order, and costs one key agreement for each that is tried.
    fn accepted(&self) -> Arc<[CurveKeypair]>;
}

/// A handle to the key pairs of a server. It holds no copy of them.
#[derive(Clone)]
pub struct ServerKeypairs(Arc<dyn AcceptedKeypairs>);

impl ServerKeypairs {
    /// Creates a handle.
    pub fn new(keypairs: Arc<dyn AcceptedKeypairs>) -> Self {
        Self(keypairs)
    }

    /// Returns the key pairs that are accepted now.
    pub(super) fn accepted(&self) -> Arc<[CurveKeypair]> {
        self.0.accepted()
    }
}

impl<const N: usize> From<[CurveKeypair; N]> for ServerKeypairs {
    fn from(keypairs: [CurveKeypair; N]) -> Self {
        Vec::from(keypairs).into()
    }
}

impl From<Vec<CurveKeypair>> for ServerKeypairs {
    fn from(keypairs: Vec<CurveKeypair>) -> Self {
        Self(Arc::new(Constant(keypairs.into())))
    }
}

/// Compares the key pairs that are accepted now.
impl PartialEq for ServerKeypairs {
    fn eq(&self, other: &Self) -> bool {
        self.accepted() == other.accepted()
    }
}

impl Eq for ServerKeypairs {}

impl fmt::Debug for ServerKeypairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerKeypairs").finish_non_exhaustive()
    }
}

struct Constant(Arc<[CurveKeypair]>);

impl AcceptedKeypairs for Constant {
    fn accepted(&self) -> Arc<[CurveKeypair]> {
        Arc::clone(&self.0)
    }
}
