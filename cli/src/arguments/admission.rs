//! Which clients a server admits.

use std::fs;
use std::path::Path;

use tokio_zmtp::auth::{
    Admission, Authenticator, CurveCertificate, CurvePublicKey, Keys, Request, StatusCode, Users,
};
use zeroize::Zeroizing;

use crate::exit::{Failure, with_sources};

/// The clients that a server admits.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// The keys of CURVE, from arguments and from directories.
    Keys(Vec<Keys>),
    /// The users of PLAIN.
    Users(Users),
}

impl Admitted {
    /// Reads keys. Each text is a key, the path of a file with a key, or that of a directory of
    /// certificates.
    pub(super) fn keys(texts: &[String]) -> Result<Self, Failure> {
        let single = Keys::new();
        let mut lists = vec![single.clone()];
        for text in texts {
            let path = Path::new(text);
            if path.is_dir() {
                let list = Keys::new();
                let count = list.reload(path).map_err(|error| {
                    Failure::usage(format!("`--allow-key {text}`: {}", with_sources(&error)))
                })?;
                if count == 0 {
                    // The server would admit no client.
                    let text = format!("`--allow-key {text}`: there is no certificate");
                    return Err(Failure::usage(text)
                        .hint("create one with `zmtp keygen`; *_secret files are ignored"));
                }
                lists.push(list);
                continue;
            }
            let (key, user) = key(path, text)
                .map_err(|error| Failure::usage(format!("`--allow-key {text}`: {error}")))?;
            single.insert(key, user);
        }
        Ok(Self::Keys(lists))
    }

    /// Reads users from a file with a line `NAME:PASSWORD` for each.
    pub(super) fn users(path: &Path) -> Result<Self, Failure> {
        let unusable = |reason: &str| Failure::usage(format!("{}: {reason}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| unusable(&error.to_string()))?;
        let text = Zeroizing::new(text);
        let users = Users::new();
        let mut is_empty = true;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            // The line itself is not shown, because it may contain a password.
            let (name, password) = line
                .split_once(':')
                .ok_or_else(|| unusable(&format!("line {number} is not NAME:PASSWORD")))?;
            if users.contains(name) {
                return Err(unusable(&format!("line {number} repeats a user")));
            }
            users.insert(name, password);
            is_empty = false;
        }
        if is_empty {
            return Err(unusable("there is no line NAME:PASSWORD"));
        }
        Ok(Self::Users(users))
    }
}

impl Authenticator for Admitted {
    async fn authenticate(&self, request: Request) -> Result<Admission, StatusCode> {
        match self {
            Self::Keys(lists) => {
                for list in lists {
                    if let Ok(admission) = list.authenticate(request.clone()).await {
                        return Ok(admission);
                    }
                }
                Err(StatusCode::Denied)
            }
            Self::Users(users) => users.authenticate(request).await,
        }
    }
}

/// Returns a key with the name of its user: a file with a certificate or a key, or the key itself.
fn key(path: &Path, text: &str) -> Result<(CurvePublicKey, String), String> {
    let read = |text: &str| text.parse::<CurvePublicKey>().map_err(|error| with_sources(&error));
    if !path.exists() {
        let invalid = |error| format!("{error}; there is no file of this name");
        return read(text).map(|key| (key, key.to_string())).map_err(invalid);
    }
    let content = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match CurveCertificate::parse(&content) {
        Ok(certificate) => {
            let name = certificate.get("name").unwrap_or(&stem);
            Ok((certificate.public_key(), name.to_owned()))
        }
        Err(_) => Ok((read(content.trim())?, stem.into_owned())),
    }
}
