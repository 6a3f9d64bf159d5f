//! The result of an authenticator that admits a remote.

use std::fmt;

use zmtp_proto::metadata::Metadata;

use super::{Revocation, StatusCode};
use crate::error::PropertyError;
#[cfg(feature = "tls")]
use crate::remote::TLS_CERTIFICATE;

/// The admission of a remote, with its user id and properties.
///
/// Every message of the remote carries both: see [`Remote::user_id`](crate::Remote::user_id) and
/// [`Remote::property`](crate::Remote::property).
#[derive(Clone, Default, PartialEq, Eq)]
#[must_use = "an admission has no effect unless the authenticator returns it"]
pub struct Admission {
    pub(crate) user_id: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) revocations: Vec<Revocation>,
}

impl Admission {
    /// Admits a remote without a user id.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::{Admission, Authenticator, Request, StatusCode};
    ///
    /// struct AdmitAll;
    ///
    /// impl Authenticator for AdmitAll {
    ///     async fn authenticate(&self, _: Request) -> Result<Admission, StatusCode> {
    ///         Ok(Admission::anonymous())
    ///     }
    /// }
    /// ```
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Admits a remote with this user id.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::Admission;
    ///
    /// let admission = Admission::user("alice");
    /// ```
    pub fn user(user_id: impl Into<String>) -> Self {
        Self { user_id: Some(user_id.into()), ..Self::default() }
    }

    /// Adds a property of the remote. It hides a property of the same name that the remote
    /// announces.
    ///
    /// # Errors
    ///
    /// [`PropertyError`] if the name does not consist of 1 to 255 letters, digits, `-`, `_`, `.`
    /// and `+`, or if all properties together exceed 60,000 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::Admission;
    ///
    /// // A server reads it with `remote.granted_property("role")`.
    /// let admission = Admission::user("alice").property("role", "admin")?;
    /// # Ok::<(), tokio_zmtp::PropertyError>(())
    /// ```
    pub fn property(
        mut self,
        name: impl AsRef<str>,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, PropertyError> {
        self.metadata.push(name.as_ref(), value.as_ref())?;
        Ok(self)
    }

    /// Adds a handle that ends the connection of the remote: see [`Revocation`]. With several
    /// handles, any of them does.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::{Admission, Revocation};
    ///
    /// let session = Revocation::new();
    /// let admission = Admission::user("alice").revocable(&session);
    /// ```
    pub fn revocable(mut self, revocation: &Revocation) -> Self {
        self.revocations.push(revocation.clone());
        self
    }

    /// Returns the user id, if there is one.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::Admission;
    ///
    /// assert_eq!(Admission::user("alice").user_id(), Some("alice"));
    /// ```
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// Returns the value of a property. The case of the name does not matter.
    ///
    /// # Examples
    ///
    /// ```
    /// use tokio_zmtp::auth::Admission;
    ///
    /// let admission = Admission::user("alice").property("role", "admin")?;
    /// assert_eq!(admission.value("Role"), Some(&b"admin"[..]));
    /// # Ok::<(), tokio_zmtp::PropertyError>(())
    /// ```
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.metadata.value(name)
    }

    /// Adds the certificate of a remote, in DER format.
    #[cfg(feature = "tls")]
    pub(crate) fn with_certificate(self, der: &[u8]) -> Result<Self, PropertyError> {
        self.property(TLS_CERTIFICATE, der)
    }

    /// Returns the admission, or a refusal if one of its handles has been revoked.
    pub(crate) fn unless_revoked(self) -> Result<Self, StatusCode> {
        if self.revocations.iter().any(Revocation::is_revoked) {
            return Err(StatusCode::Denied);
        }
        Ok(self)
    }

    /// Adds an earlier admission.
    pub(crate) fn after(mut self, earlier: Self) -> Self {
        self.user_id = self.user_id.or(earlier.user_id);
        self.metadata.append(&earlier.metadata);
        self.revocations.extend(earlier.revocations);
        self
    }
}

/// Shows the user id. Properties may be secret and are omitted.
impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}
