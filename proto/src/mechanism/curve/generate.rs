//! Keys from the random numbers of the operating system.

use super::super::Mechanism;
use super::{CurveKeypair, CurvePublicKey, CurveSecretKey};

impl CurveKeypair {
    /// Generates a new pair.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers, which the usual systems always have.
    #[must_use]
    pub fn generate() -> Self {
        CurveSecretKey::try_filled(|bytes| getrandom::fill(bytes))
            .expect("the system has random numbers")
            .into()
    }
}

impl Mechanism {
    /// The client's role of CURVE with a key pair that is generated for this socket, for servers that do
    /// not check the keys of their clients.
    ///
    /// # Panics
    ///
    /// As [`CurveKeypair::generate`].
    #[must_use]
    pub fn curve_client(server_key: CurvePublicKey) -> Self {
        Self::CurveClient { server_key, keypair: CurveKeypair::generate() }
    }
}
