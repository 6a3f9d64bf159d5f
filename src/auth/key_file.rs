//! The loading of keys from certificate files, and their reloading.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::{
    CertificateError, ClientKeys, CurveCertificate, CurveKeypair, CurvePublicKey, ServerKeys,
    TooManyKeys,
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
        let (server_key, keypair) = read_client_keys(server.as_ref(), keypair.as_ref())?;
        Ok(Self::new(server_key, keypair))
    }

    /// Replaces all keys with those of the files, which are read as by [`load`](Self::load). The
    /// next handshakes use them, and established connections continue.
    ///
    /// Keys of the server that were [added](Self::add_server_key) are removed. When the key of the
    /// server is rotated, reload within the window of [`ServerKeys::reload`], in which the server
    /// accepts both keys.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`], as from [`load`](Self::load). Nothing changes.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio_zmtp::auth::ClientKeys;
    ///
    /// let keys = ClientKeys::load("server.cert", "alice.cert_secret")?;
    /// // A file was replaced.
    /// keys.reload("server.cert", "alice.cert_secret")?;
    /// # Ok::<(), tokio_zmtp::auth::KeyFileError>(())
    /// ```
    pub fn reload(
        &self,
        server: impl AsRef<Path>,
        keypair: impl AsRef<Path>,
    ) -> Result<(), KeyFileError> {
        let (server_key, keypair) = read_client_keys(server.as_ref(), keypair.as_ref())?;
        self.replace(server_key, keypair);
        Ok(())
    }
}

/// Reads a key of the server, and the key pair of a client.
fn read_client_keys(
    server: &Path,
    keypair: &Path,
) -> Result<(CurvePublicKey, CurveKeypair), KeyFileError> {
    Ok((read_certificate(server)?.public_key(), read_keypair(keypair)?))
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

    #[test]
    fn a_client_uses_the_keys_of_files_that_were_replaced() {
        let directory = Directory::new("reloaded");
        let path = |name| directory.0.join(name);
        let save = |name, keypair: &CurveKeypair| {
            CurveCertificate::from(keypair.clone()).save(path(name)).unwrap();
        };
        let [server, alice, other_server, other_alice] = [(); 4].map(|()| CurveKeypair::generate());
        save("server.cert", &server);
        save("alice.cert", &alice);
        let keys = ClientKeys::load(path("server.cert"), path("alice.cert_secret")).unwrap();
        let shared = keys.clone();
        keys.add_server_key(CurveKeypair::generate().public_key()).unwrap();
        let before = (keys.server_keys(), keys.public_key());

        // The files are read before a key is replaced.
        save("server.cert", &other_server);
        keys.reload(path("server.cert"), path("alice.cert")).unwrap_err();
        keys.reload(path("missing.cert"), path("alice.cert_secret")).unwrap_err();
        assert_eq!((keys.server_keys(), keys.public_key()), before);

        save("alice.cert", &other_alice);
        keys.reload(path("server.cert"), path("alice.cert_secret")).unwrap();
        assert_eq!(shared, ClientKeys::new(other_server.public_key(), other_alice));
    }

    #[test]
    fn an_error_names_the_file_and_the_reason_and_no_secret() {
        let directory = Directory::new("unusable");
        let path = directory.0.join("server.cert");
        let certificate = CurveCertificate::from(CurveKeypair::generate());
        certificate.save(&path).unwrap();
        let secret_path = directory.0.join("server.cert_secret");
        let text = fs::read_to_string(&secret_path).unwrap();
        let secret = text.split('"').rev().nth(1).unwrap();
        assert_eq!(secret.len(), 40);
        let other = CurveKeypair::generate().public_key().to_string();
        let damaged = [
            (fs::read_to_string(&path).unwrap(), "_secret"),
            (String::new(), "does not contain a public key"),
            (secret.to_owned(), "does not contain a public key"),
            (text[..text.len() - 10].to_owned(), "line 7 does not follow"),
            (text.replace(secret, &secret[..39]), "a key has 40 characters, not 39"),
            (text.replace(secret, &format!("~{}", &secret[1..])), "is not valid"),
            (text.replace(&certificate.public_key().to_string(), &other), "does not match"),
            ("x".repeat(0x1_0001), "too large"),
        ];
        for (text, reason) in damaged {
            fs::write(&path, text).unwrap();
            let error = ServerKeys::load(&path).unwrap_err();
            let shown = in_words(&error);
            assert!(shown.contains("server.cert") && shown.contains(reason), "{shown}");
            for shown in [shown, format!("{error:?}")] {
                assert!(!shown.contains(&secret[..10]), "{shown}");
            }
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let shown = in_words(&ServerKeys::load(&path).unwrap_err());
        assert!(shown.contains("server.cert"), "{shown}");
    }

    /// Returns the messages of an error and its sources.
    fn in_words(error: &dyn std::error::Error) -> String {
        let mut words = error.to_string();
        let mut next = error.source();
        while let Some(source) = next {
            words.push_str(&format!(": {source}"));
            next = source.source();
        }
        words
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
