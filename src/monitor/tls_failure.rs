//! The reasons why TLS fails.

use std::io;

use thiserror::Error;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error as RustlsError, InvalidMessage,
};

use super::protocol_error::ProtocolError;

/// The reason why TLS could not be established, or why one of the ends refuses the certificate of
/// the other. With the feature `tls` only.
///
/// The end that refuses a certificate reports the reason. The other end receives an
/// [alert](Self::Alert) with a code that is less precise.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TlsFailure {
    /// The remote refused this side by an alert (RFC 8446, Error Alerts). The codes for
    /// certificates are 42 to 46 and 48.
    #[error("the remote refuses this side by the TLS alert {code} ({})", in_words(*.code))]
    Alert {
        /// The code of the alert.
        code: u8,
    },
    /// The remote requires a certificate from this side, which has none (alert 116 of TLS 1.3, or
    /// 40 of TLS 1.2).
    #[error("the remote requires a certificate from this side")]
    CertificateRequired,
    /// The certificate of the remote has expired.
    #[error("the certificate of the remote has expired")]
    Expired,
    /// The certificate of the remote cannot be used for another reason.
    #[error("the certificate of the remote is not valid")]
    InvalidCertificate(#[source] ProtocolError),
    /// This side requires a certificate from the client, which has none.
    #[error("the client has no certificate")]
    NoCertificate,
    /// The certificate of the remote is not valid yet.
    #[error("the certificate of the remote is not valid yet")]
    NotYetValid,
    /// The first bytes of the remote do not belong to TLS. Its endpoint may be without TLS, such as
    /// `tcp` instead of `tls`.
    #[error("the remote does not use TLS")]
    NotTls,
    /// TLS failed for another reason: the remote violated the protocol, or supports no common
    /// version.
    #[error("TLS failed")]
    Other(#[source] ProtocolError),
    /// The certificate of the remote, or that of one of its issuers, is revoked.
    #[error("the certificate of the remote is revoked")]
    Revoked,
    /// The certificate revocation list of an issuer has expired: this side has no current one.
    #[error("the certificate revocation list of an issuer has expired")]
    RevocationListExpired,
    /// This side has certificate revocation lists, but none of an issuer of the remote.
    #[error("there is no certificate revocation list of an issuer")]
    RevocationListMissing,
    /// The certificate of the remote is not issued by a trusted root certificate.
    #[error("the certificate of the remote is not issued by a trusted root certificate")]
    UnknownIssuer,
    /// The certificate of the server is valid for other names only.
    #[error("the certificate of the remote is not valid for this host name")]
    WrongHostName,
}

impl TlsFailure {
    /// Returns the failure that a stream reports, if it is one of TLS.
    pub(crate) fn find_in(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        if let Some(failure) = inner.downcast_ref::<Self>() {
            return Some(failure.clone());
        }
        inner.downcast_ref::<RustlsError>().map(|error| error.clone().into())
    }

    /// Returns whether this side refuses the certificate of the remote, or its lack.
    pub(crate) const fn is_refusal(&self) -> bool {
        match self {
            Self::Expired
            | Self::InvalidCertificate(_)
            | Self::NoCertificate
            | Self::NotYetValid
            | Self::Revoked
            | Self::RevocationListExpired
            | Self::RevocationListMissing
            | Self::UnknownIssuer
            | Self::WrongHostName => true,
            Self::Alert { .. } | Self::CertificateRequired | Self::NotTls | Self::Other(_) => false,
        }
    }
}

impl From<TlsFailure> for io::Error {
    fn from(failure: TlsFailure) -> Self {
        Self::new(io::ErrorKind::InvalidData, failure)
    }
}

impl From<RustlsError> for TlsFailure {
    fn from(error: RustlsError) -> Self {
        match error {
            RustlsError::AlertReceived(AlertDescription::CertificateRequired) => {
                Self::CertificateRequired
            }
            RustlsError::AlertReceived(alert) => Self::Alert { code: alert.into() },
            RustlsError::InvalidCertificate(reason) => match reason {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                CertificateError::Revoked => Self::Revoked,
                CertificateError::ExpiredRevocationList
                | CertificateError::ExpiredRevocationListContext { .. } => {
                    Self::RevocationListExpired
                }
                CertificateError::UnknownRevocationStatus => Self::RevocationListMissing,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongHostName,
                reason => Self::InvalidCertificate(ProtocolError::new(
                    RustlsError::InvalidCertificate(reason),
                )),
            },
            RustlsError::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            RustlsError::NoCertificatesPresented => Self::NoCertificate,
            error => Self::Other(ProtocolError::new(error)),
        }
    }
}

/// Names the alerts that a remote sends because of a certificate or its own configuration.
fn in_words(code: u8) -> String {
    match AlertDescription::from(code).as_str() {
        Some(name) => name.to_owned(),
        None => "unknown".to_owned(),
    }
}
