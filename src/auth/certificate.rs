//! Key files in the format of CZMQ.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str;

use thiserror::Error;
use zeroize::Zeroizing;

use super::{CurveKeyError, CurveKeypair, CurvePublicKey, CurveSecretKey};
use crate::platform::files::create_private;

/// A certificate in the text format of CZMQ: a public key or a key pair, with metadata. It is not
/// signed and does not expire.
///
/// ```text
/// metadata
///     name = "alice"
/// curve
///     public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
///     secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
/// ```
///
/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{CurveCertificate, CurveKeypair};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = std::env::temp_dir().join(format!("tokio-zmtp-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory)?;
/// let pair = CurveKeypair::generate();
/// CurveCertificate::from(pair.clone())
///     .with_metadata("name", "alice")
///     .save(directory.join("alice.cert"))?;
///
/// // Publish `alice.cert`, and keep `alice.cert_secret` secret.
/// let public = CurveCertificate::load(directory.join("alice.cert"))?;
/// assert_eq!(public.public_key(), pair.public_key());
/// assert_eq!(public.get("name"), Some("alice"));
/// assert!(public.keypair().is_none());
/// let secret = CurveCertificate::load(directory.join("alice.cert_secret"))?;
/// assert!(secret.keypair().is_some());
/// # std::fs::remove_dir_all(&directory)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CurveCertificate {
    public_key: CurvePublicKey,
    secret_key: Option<CurveSecretKey>,
    metadata: Vec<(String, String)>,
}

/// The reason why a certificate cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Another certificate of the directory has the same key, but a different user id.
    #[error("{} has the same key, but a different user id", .other.display())]
    DuplicateKey {
        /// The path of the other certificate.
        other: PathBuf,
    },
    /// The file could not be read.
    #[error("cannot read {}", .path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A key is not valid.
    #[error("the key on line {line} is not valid")]
    InvalidKey {
        /// The line, counted from 1.
        line: usize,
        /// The error of the key.
        source: CurveKeyError,
    },
    /// The secret key does not match the public key.
    #[error("the secret key does not match the public key")]
    KeyMismatch,
    /// The public key is missing.
    #[error("the certificate does not contain a public key")]
    NoPublicKey,
    /// The secret key is missing: it is in the file whose name ends in `_secret`.
    #[error("the certificate has no secret key: use the file whose name ends in _secret")]
    NoSecretKey,
    /// A line does not follow the format.
    #[error("line {line} does not follow the format of a certificate")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
    },
}

/// # Examples
///
/// ```
/// use tokio_zmtp::auth::{CurveCertificate, CurveKeypair};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let pair = CurveKeypair::generate();
/// let certificate = CurveCertificate::from(pair.clone()).with_metadata("name", "alice");
/// certificate.save("alice.cert")?; // and `alice.cert_secret`
///
/// let certificate = CurveCertificate::load("alice.cert_secret")?;
/// assert_eq!(certificate.public_key(), pair.public_key());
/// assert_eq!(certificate.get("name"), Some("alice"));
/// assert_eq!(certificate.metadata().count(), 1);
/// let pair = certificate.keypair().ok_or("no secret key")?;
///
/// let text = std::fs::read_to_string("alice.cert")?;
/// assert!(CurveCertificate::parse(&text)?.keypair().is_none());
/// # Ok(())
/// # }
/// ```
impl CurveCertificate {
    /// Reads a public or a secret certificate file. Its permissions are not checked. This blocks
    /// the thread.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if the file cannot be read, is larger than 64 KiB, or is not a
    /// certificate.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CertificateError> {
        let path = path.as_ref();
        let text = read_short_file(path)
            .map_err(|source| CertificateError::Io { path: path.into(), source })?;
        let text = str::from_utf8(&text).map_err(|error| CertificateError::Syntax {
            line: 1 + text[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count(),
        })?;
        Self::parse(text)
    }

    /// Reads the text of a certificate. Unknown sections, and unknown keys of the section `curve`,
    /// are ignored.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if the text is not a certificate, or if its keys do not match.
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let (mut section, mut metadata) = (Section::None, Vec::new());
        let (mut public_key, mut secret_key) = (None, None);
        for (line, content) in (1..).zip(text.lines()) {
            let trimmed = content.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if !content.starts_with([' ', '\t']) {
                section = match trimmed {
                    "metadata" => Section::Metadata,
                    "curve" => Section::Curve,
                    _ => Section::None,
                };
                continue;
            }
            let syntax = || CertificateError::Syntax { line };
            let (name, value) = trimmed.split_once('=').ok_or_else(syntax)?;
            let (name, value) = (name.trim(), unquoted(value.trim()));
            let value = value.ok_or_else(syntax)?;
            let key = |source| CertificateError::InvalidKey { line, source };
            match (section, name) {
                (Section::Metadata, _) => metadata.push((name.into(), value.into())),
                (Section::Curve, "public-key") if public_key.is_some() => return Err(syntax()),
                (Section::Curve, "secret-key") if secret_key.is_some() => return Err(syntax()),
                (Section::Curve, "public-key") => {
                    public_key = Some(value.parse::<CurvePublicKey>().map_err(key)?);
                }
                (Section::Curve, "secret-key") => {
                    secret_key = Some(value.parse::<CurveSecretKey>().map_err(key)?);
                }
                // Sections that other programs add are ignored.
                (Section::Curve | Section::None, _) => {}
            }
        }
        let public_key = public_key.ok_or(CertificateError::NoPublicKey)?;
        if secret_key.as_ref().is_some_and(|secret| secret.public_key() != public_key) {
            return Err(CertificateError::KeyMismatch);
        }
        Ok(Self { public_key, secret_key, metadata })
    }

    /// Adds a name and its value to the metadata. Characters that the format cannot contain are
    /// removed: quotation marks and line breaks, and in names also `=` and surrounding spaces.
    #[must_use]
    pub fn with_metadata(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let clean = |text: &str| text.replace(['"', '\n', '\r'], "");
        let name = clean(name.as_ref()).replace('=', "");
        self.metadata.push((name.trim().into(), clean(value.as_ref())));
        self
    }

    /// Writes the public key and the metadata to `path`. If there is a secret key, also writes the
    /// whole certificate to the path with `_secret` appended. On Unix, only the owner can read that
    /// file. This blocks the thread.
    ///
    /// Each file is written under another name in the same directory, then renamed, so that another
    /// process reads either the old file or the new one. The two files are not replaced together.
    ///
    /// # Errors
    ///
    /// The error of the system. The public file may then have been written without the secret one.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        replace_file(path, &self.text(None), Access::Default)?;
        if let Some(secret) = &self.secret_key {
            let mut secret_path = path.as_os_str().to_owned();
            secret_path.push("_secret");
            replace_file(Path::new(&secret_path), &self.text(Some(secret)), Access::Owner)?;
        }
        Ok(())
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public_key(&self) -> CurvePublicKey {
        self.public_key
    }

    /// Returns the key pair, if the certificate has the secret key.
    #[must_use]
    pub fn keypair(&self) -> Option<CurveKeypair> {
        self.secret_key.clone().map(CurveKeypair::from)
    }

    /// Returns the first value of the metadata that has this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.metadata().find(|(one, _)| *one == name).map(|(_, value)| value)
    }

    /// Iterates over the names and values of the metadata.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn text(&self, secret: Option<&CurveSecretKey>) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(1_024));
        text.push_str(if secret.is_some() { SECRET_HEAD } else { PUBLIC_HEAD });
        text.push_str("metadata\n");
        for (name, value) in &self.metadata {
            text.push_str(&format!("    {name} = \"{value}\"\n"));
        }
        text.push_str(&format!("curve\n    public-key = \"{}\"\n", self.public_key));
        if let Some(secret) = secret {
            for part in ["    secret-key = \"", secret.to_text().as_str(), "\"\n"] {
                text.push_str(part);
            }
        }
        text
    }
}

impl From<CurveKeypair> for CurveCertificate {
    fn from(pair: CurveKeypair) -> Self {
        Self {
            public_key: pair.public_key(),
            secret_key: Some(pair.secret_key().clone()),
            metadata: Vec::new(),
        }
    }
}

impl From<CurvePublicKey> for CurveCertificate {
    fn from(public_key: CurvePublicKey) -> Self {
        Self { public_key, secret_key: None, metadata: Vec::new() }
    }
}

impl fmt::Debug for CurveCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurveCertificate")
            .field("public_key", &self.public_key)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Section {
    None,
    Metadata,
    Curve,
}

/// Returns the text between quotation marks, which are optional.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        // Z85 does not use quotation marks.
        Some(rest) => rest.split_once('"').map(|(inside, _)| inside),
        None => Some(value),
    }
}

/// Reads a file of at most [`FILE_SIZE_MAX`] bytes into memory that is overwritten.
fn read_short_file(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    // It never grows, which would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_SIZE_MAX + 1));
    fs::File::open(path)?.take(FILE_SIZE_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_SIZE_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is too large"));
    }
    Ok(bytes)
}

/// The maximum size of a certificate file in bytes.
const FILE_SIZE_MAX: usize = 0x1_0000;

#[derive(Clone, Copy)]
enum Access {
    /// As the system creates files.
    Default,
    /// Only the owner can read the file.
    Owner,
}

/// Writes a file under another name, then renames it, so that `path` never refers to a partial
/// file.
fn replace_file(path: &Path, text: &str, access: Access) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut new_name = std::ffi::OsString::from(".");
    new_name.push(name);
    new_name.push(format!(".{:016x}", getrandom::u64()?));
    let new_path = path.with_file_name(new_name);
    let mut file = match access {
        Access::Default => fs::File::create_new(&new_path)?,
        Access::Owner => create_private(&new_path)?,
    };
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&new_path, path));
    if written.is_err() {
        let _ = fs::remove_file(&new_path);
    }
    written
}

const PUBLIC_HEAD: &str = "#   ZeroMQ CURVE public certificate\n\
    #   Exchange it securely, or use a secure mechanism to verify its contents.\n\n";
const SECRET_HEAD: &str = "#   ZeroMQ CURVE **secret** certificate\n\
    #   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_czmq_certificate_is_read() {
        let certificate = CurveCertificate::parse(CZMQ_CERTIFICATE).unwrap();
        assert_eq!(
            certificate.public_key().to_string(),
            "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
        );
        assert!(certificate.keypair().is_some());
        let metadata: Vec<_> = certificate.metadata().collect();
        assert_eq!(metadata, [("name", "alice"), ("email", "alice@example.org")]);
        assert_eq!(certificate.get("email"), Some("alice@example.org"));
    }

    #[test]
    fn a_written_certificate_is_read_back() {
        let certificate =
            CurveCertificate::parse(CZMQ_CERTIFICATE).unwrap().with_metadata("a=b", "\"c\"\n");
        let public = CurveCertificate::parse(&certificate.text(None)).unwrap();
        assert_eq!(public.public_key(), certificate.public_key());
        assert_eq!(public.metadata, certificate.metadata);
        assert!(public.keypair().is_none());
        let secret = certificate.secret_key.as_ref();
        assert!(CurveCertificate::parse(&certificate.text(secret)).unwrap().keypair().is_some());
        assert_eq!(public.get("ab"), Some("c"));
    }

    #[test]
    fn an_error_reports_its_line() {
        let refused = |text: &str| CurveCertificate::parse(text).unwrap_err();
        assert!(matches!(
            refused("curve\n    public-key = \"short\"\n"),
            CertificateError::InvalidKey { line: 2, source: CurveKeyError::Length { len: 5 } }
        ));
        assert!(matches!(
            refused("\ncurve\n    public-key\n"),
            CertificateError::Syntax { line: 3 }
        ));
        assert!(matches!(refused("metadata\n"), CertificateError::NoPublicKey));
        let twice = CZMQ_CERTIFICATE.replace("secret-key", "public-key");
        assert!(matches!(refused(&twice), CertificateError::Syntax { line: 10 }));
        let other =
            CZMQ_CERTIFICATE.replace("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", &"0".repeat(40));
        assert!(matches!(refused(&other), CertificateError::KeyMismatch));
    }

    #[test]
    fn debug_does_not_show_the_secret_key() {
        let certificate = CurveCertificate::parse(CZMQ_CERTIFICATE).unwrap();
        assert!(!format!("{certificate:?}").contains("D:)Q"));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_secret_file() {
        use std::os::unix::fs::PermissionsExt;

        let directory =
            std::env::temp_dir().join(format!("tokio-zmtp-cert-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("alice.cert");
        fs::write(directory.join("alice.cert_secret"), "readable").unwrap();
        CurveCertificate::parse(CZMQ_CERTIFICATE).unwrap().save(&path).unwrap();
        let mode = fs::metadata(directory.join("alice.cert_secret")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!fs::read_to_string(&path).unwrap().contains("secret-key"));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        // A file that cannot be replaced leaves nothing behind.
        fs::create_dir(directory.join("bob.cert")).unwrap();
        let certificate = CurveCertificate::parse(CZMQ_CERTIFICATE).unwrap();
        certificate.save(directory.join("bob.cert")).unwrap_err();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);
        fs::remove_dir_all(&directory).unwrap();
    }

    const CZMQ_CERTIFICATE: &str = "\
#   ****  Generated on 2026-01-02 03:04:05 by CZMQ  ****
#   ZeroMQ CURVE **Secret** Certificate
#   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.

metadata
    name = \"alice\"
    email = \"alice@example.org\"
curve
    public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"
    secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\"
";
}
