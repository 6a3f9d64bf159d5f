//! Keys from the system's random numbers.

use super::{CurveKeypair, CurvePublicKey, CurveSecretKey};
use crate::proto::mechanism::Mechanism;

impl CurveKeypair {
    /// Makes a new pair.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers, which the systems that people use always have.
    #[must_use]
    pub fn generate() -> Self {
        CurveSecretKey::try_filled(|bytes| getrandom::fill(bytes))
            .expect("the system has random numbers")
            .into()
    }
}

impl Mechanism {
    /// The client's role of CURVE with keys that are made for this socket, where a server does not ask who
    /// its clients are.
    ///
    /// # Panics
    ///
    /// As [`CurveKeypair::generate`].
    #[must_use]
    pub fn curve_client(server_key: CurvePublicKey) -> Self {
        Self::CurveClient { server_key, keypair: CurveKeypair::generate() }
    }
}
