//! Generation of keys from the random numbers of the operating system.

use super::super::HandshakeMechanism;
use super::{CurveKeypair, CurvePublicKey, CurveSecretKey};

impl CurveKeypair {
    /// Generates a new key pair.
    ///
    /// # Panics
    ///
    /// Panics if the system provides no random numbers. Common systems always do.
    ///
    /// # Examples
    ///
    /// ```
    /// # mod tokio_zmtp { pub mod auth { pub use zmtp_proto::mechanism::curve::*; } }
    /// use tokio_zmtp::auth::CurveKeypair;
    ///
    /// assert_ne!(CurveKeypair::generate(), CurveKeypair::generate());
    /// ```
    #[must_use]
    pub fn generate() -> Self {
        CurveSecretKey::try_filled(|bytes| getrandom::fill(bytes))
            .expect("the system provides random numbers")
            .into()
    }
}

impl HandshakeMechanism {
    /// Creates the client role of CURVE with a new key pair, for servers that do not check the keys
    /// of their clients.
    ///
    /// # Panics
    ///
    /// Panics if [`CurveKeypair::generate`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use zmtp_proto::mechanism::HandshakeMechanism;
    /// let server_key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID".parse()?;
    /// let mechanism = HandshakeMechanism::curve_client(server_key);
    /// # Ok::<(), zmtp_proto::mechanism::curve::CurveKeyError>(())
    /// ```
    #[must_use]
    pub fn curve_client(server_key: CurvePublicKey) -> Self {
        Self::CurveClient { server_key, keypair: CurveKeypair::generate() }
    }
}
