//! The loading of the keys of clients from a directory of certificates.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error as StdError;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{CertificateError, CurveCertificate, CurvePublicKey};

/// The error of a directory of certificates that cannot be loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyDirectoryError {
    /// The directory cannot be read.
    #[error("cannot read the directory {}", .path.display())]
    Directory {
        /// The path of the directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Some files cannot be used. The message contains the path and the reason for the first ten,
    /// and the number of the others.
    #[error("{}", in_words(.files))]
    Files {
        /// The path of each of these files, with the reason, in the order of the paths.
        files: Vec<(PathBuf, CertificateError)>,
    },
}

/// Returns the keys of all certificates, with their user ids.
pub(super) fn read_directory(
    path: &Path,
) -> Result<HashMap<CurvePublicKey, String>, KeyDirectoryError> {
    let unreadable = |source| KeyDirectoryError::Directory { path: path.into(), source };
    let entries = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>());
    let mut paths = entries.map_err(unreadable)?;
    paths.retain(|path| !is_ignored(path));
    paths.sort();
    let mut keys = HashMap::<CurvePublicKey, (String, PathBuf)>::new();
    let mut files = Vec::new();
    for path in paths {
        let (key, user_id) = match read_file(&path) {
            Ok(read) => read,
            Err(error) => {
                files.push((path, error));
                continue;
            }
        };
        match keys.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert((user_id, path));
            }
            Entry::Occupied(occupied) if occupied.get().0 != user_id => {
                let other = occupied.get().1.clone();
                files.push((path, CertificateError::DuplicateKey { other }));
            }
            Entry::Occupied(_) => {}
        }
    }
    if files.is_empty() {
        Ok(keys.into_iter().map(|(key, (user_id, _))| (key, user_id)).collect())
    } else {
        Err(KeyDirectoryError::Files { files })
    }
}

fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
    path.is_dir() || name.starts_with(b".") || name.ends_with(b"_secret") || name.ends_with(b"~")
}

/// Returns the key of a certificate and its user id.
fn read_file(path: &Path) -> Result<(CurvePublicKey, String), CertificateError> {
    let unusable = |text| CertificateError::Io {
        path: path.into(),
        source: io::Error::new(io::ErrorKind::InvalidInput, text),
    };
    // Reading from a pipe would wait for a writer. What is missing is reported when it is read.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(unusable("it is not a regular file"));
    }
    let certificate = CurveCertificate::load(path)?;
    let stem = || path.file_stem().and_then(OsStr::to_str);
    let user_id = certificate.get("name").or_else(stem);
    let user_id = user_id.ok_or_else(|| unusable("its name is not valid UTF-8"))?;
    Ok((certificate.public_key(), user_id.to_owned()))
}

/// Describes the errors in one line, with their sources.
fn in_words(files: &[(PathBuf, CertificateError)]) -> String {
    let describe = |(path, error): &(PathBuf, CertificateError)| {
        let mut text = format!("{}: {error}", path.display());
        let mut next = error.source();
        while let Some(source) = next {
            text.push_str(&format!(": {source}"));
            next = source.source();
        }
        text
    };
    let mut words: Vec<_> = files.iter().take(FILES_DESCRIBED).map(describe).collect();
    if let more @ 1.. = files.len().saturating_sub(FILES_DESCRIBED) {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

/// The number of files that a message describes.
const FILES_DESCRIBED: usize = 10;
