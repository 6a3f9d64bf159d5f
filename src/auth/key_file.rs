//! The loading of keys from certificate files, and the reloading of a server's key pair.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::{
    CertificateError, ClientKeys, CurveCertificate, CurveKeypair, ServerKeys, TooManyKeys,
};

/// The reason why a key file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file is not a certificate, or could not be read.
    #[error("cannot use the key file {}", .path.display())]
    Certificate {
        /// The path of the file.
        path: PathBuf,
        /// The reason.
        source: CertificateError,
    },
    /// The key exceeds the number of accepted keys.
    #[error("the key in {} cannot be accepted", .path.display())]
    TooManyKeys {
        /// The path of the file.
        path: PathBuf,
        /// The error of the key.
        source: TooManyKeys,
    },
}

/// # Key files
///
/// The key pair can be loaded from a secret [certificate](CurveCertificate) file of CZMQ, and
/// reloaded when the file has been replaced. These methods block the thread while they read it.
/// Replace a file by renaming another one, as [`CurveCertificate::save`] does, so that a partial
/// file is never read.
///
/// ```
/// use std::time::Duration;
///
/// use tokio_zmtp::auth::{CurveCertificate, CurveKeypair, ServerKeys};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = std::env::temp_dir().join(format!("tokio-zmtp-pair-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// # let path = directory.join("server.cert");
/// # let secret_path = directory.join("server.cert_secret");
/// CurveCertificate::from(CurveKeypair::generate()).save(&path)?;
/// let keys = ServerKeys::load(&secret_path)?;
///
/// // Later, after the file has been replaced:
/// let new = CurveKeypair::generate();
/// CurveCertificate::from(new.clone()).save(&path)?;
/// keys.reload(&secret_path, Duration::from_secs(86_400))?;
/// assert_eq!(keys.public_key(), new.public_key());
/// assert_eq!(keys.accepted().len(), 2);
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok(())
/// # }
/// ```
impl ServerKeys {
    /// Loads the key pair of a secret certificate file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if the file cannot be read, or has no secret key.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        read_keypair(path.as_ref()).map(Self::new)
    }

    /// [Rotates](Self::rotate) to the key pair of a secret certificate file. If it is the current
    /// key pair, nothing changes.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if the file cannot be read, or has no secret key, and
    /// [`KeyFileError::TooManyKeys`] if more than four key pairs would be accepted. Nothing
    /// changes.
    ///
    /// # Panics
    ///
    /// Panics in a Tokio runtime without time enabled if there is a window. Nothing changes.
    pub fn reload(
        &self,
        path: impl AsRef<Path>,
        window: impl Into<Option<Duration>>,
    ) -> Result<(), KeyFileError> {
        let path = path.as_ref();
        let rotated = self.rotate(read_keypair(path)?, window);
        rotated.map_err(|source| KeyFileError::TooManyKeys { path: path.into(), source })
    }
}

impl ClientKeys {
    /// Loads a key of the server from its public [certificate](CurveCertificate) file, and the key
    /// pair of this client from its secret one. This blocks the thread.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] if a file cannot be read, or `keypair` has no secret key.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::auth::{ClientKeys, CurveCertificate};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = ClientKeys::load("server.cert", "alice.cert_secret")?;
    /// // The server will change to a new key.
    /// keys.add_server_key(CurveCertificate::load("server_new.cert")?.public_key())?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn load(server: impl AsRef<Path>, keypair: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let server_key = read_certificate(server.as_ref())?.public_key();
        Ok(Self::new(server_key, read_keypair(keypair.as_ref())?))
    }
}

fn read_keypair(path: &Path) -> Result<CurveKeypair, KeyFileError> {
    let certificate = read_certificate(path)?;
    certificate.keypair().ok_or_else(|| KeyFileError::Certificate {
        path: path.into(),
        source: CertificateError::NoSecretKey,
    })
}

fn read_certificate(path: &Path) -> Result<CurveCertificate, KeyFileError> {
    CurveCertificate::load(path)
        .map_err(|source| KeyFileError::Certificate { path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::*;

    #[test]
    fn a_server_accepts_the_former_key_of_a_file_that_was_replaced() {
        let directory = Directory::new("server");
        let (public, secret) =
            (directory.0.join("server.cert"), directory.0.join("server.cert_secret"));
        let [old, new] = [(); 2].map(|()| CurveKeypair::generate());
        CurveCertificate::from(old.clone()).save(&public).unwrap();
        let keys = ServerKeys::load(&secret).unwrap();
        keys.reload(&secret, None).unwrap();
        assert_eq!(keys.accepted(), [old.public_key()]);
        CurveCertificate::from(new.clone()).save(&public).unwrap();
        // The public file has no secret key, and changes nothing.
        let error = keys.reload(&public, None).unwrap_err();
        assert!(matches!(
            error,
            KeyFileError::Certificate { source: CertificateError::NoSecretKey, .. }
        ));
        assert_eq!(keys.accepted(), [old.public_key()]);
        keys.reload(&secret, None).unwrap();
        assert_eq!(keys.accepted(), [&new, &old].map(CurveKeypair::public_key));
    }

    #[test]
    fn a_client_loads_the_key_of_its_server_and_its_own_key_pair() {
        let directory = Directory::new("client");
        let [server, alice] = [(); 2].map(|()| CurveKeypair::generate());
        let path = |name| directory.0.join(name);
        CurveCertificate::from(server.clone()).save(path("server.cert")).unwrap();
        CurveCertificate::from(alice.clone()).save(path("alice.cert")).unwrap();
        let keys = ClientKeys::load(path("server.cert"), path("alice.cert_secret")).unwrap();
        assert_eq!(keys, ClientKeys::new(server.public_key(), alice));
        let error = ClientKeys::load(path("server.cert"), path("alice.cert")).unwrap_err();
        assert!(matches!(
            error,
            KeyFileError::Certificate { source: CertificateError::NoSecretKey, path } if path.ends_with("alice.cert")
        ));
    }

    /// A directory that is removed when this is dropped.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("tokio-zmtp-{name}-{}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
