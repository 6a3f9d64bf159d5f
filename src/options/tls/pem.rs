//! Certificates, private keys and revocation lists in PEM format (RFC 7468).

use std::sync::Arc;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer,
};

use super::TlsConfigError;

/// A certificate with those of its issuers, and its private key.
#[derive(Debug)]
pub(super) struct CertifiedChain {
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// `Debug` does not show it.
    pub(super) key: PrivateKeyDer<'static>,
}

impl CertifiedChain {
    pub(super) fn parse(chain: &[u8], key: &[u8]) -> Result<Self, TlsConfigError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            PemError::NoItemsFound => TlsConfigError::NoPrivateKey,
            error => TlsConfigError::unusable_key(error),
        })?;
        Ok(Self { chain, key })
    }
}

/// Parses trusted root certificates.
pub(super) fn roots(pem: &[u8]) -> Result<Arc<RootCertStore>, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate)?;
    }
    Ok(Arc::new(roots))
}

/// Parses certificate revocation lists. Their contents are checked when a verifier is created.
pub(super) fn revocation_lists(
    pem: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
    let lists = CertificateRevocationListDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(TlsConfigError::unusable_revocation_list)?;
    if lists.is_empty() {
        return Err(TlsConfigError::NoRevocationList);
    }
    Ok(lists)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(TlsConfigError::unusable)?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate);
    }
    Ok(certificates)
}
