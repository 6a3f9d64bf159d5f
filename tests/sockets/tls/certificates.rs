//! Certificates that the tests issue.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName,
    DnType, IsCa, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, date_time_ymd,
};
use tokio_zmtp::{Client, Endpoint, Server, TlsClient, TlsServer};

/// Issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(crate) pem: String,
}

/// A certificate and its private key.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Issues a certificate for these hosts.
    pub(crate) fn issue(&self, hosts: &[&str]) -> Certificate {
        self.issue_with(hosts, |_| {})
    }

    /// Issues a certificate with a serial number, by which it can be revoked.
    pub(crate) fn issue_numbered(&self, hosts: &[&str], number: u64) -> Certificate {
        self.issue_with(hosts, |params| params.serial_number = Some(number.into()))
    }

    pub(crate) fn issue_with(
        &self,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let mut params = named("leaf", hosts);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certificate {
            pem: certificate.pem(),
            der: certificate.der().to_vec(),
            key: key.serialize_pem(),
        }
    }

    /// Issues a list of revoked certificates, which expires at the beginning of a year.
    pub(crate) fn revoke(&self, serial_numbers: &[u64], expires: i32) -> String {
        let (revocation_time, next_update) =
            (date_time_ymd(2001, 1, 1), date_time_ymd(expires, 1, 1));
        let revoked = |&number: &u64| RevokedCertParams {
            serial_number: number.into(),
            revocation_time,
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: revocation_time,
            next_update,
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: serial_numbers.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// Returns the TLS of clients that trust this authority.
    pub(crate) fn client(&self) -> TlsClient {
        TlsClient::with_roots(&self.pem).unwrap()
    }
}

impl Certificate {
    pub(crate) fn server(&self) -> TlsServer {
        TlsServer::new(&self.pem, &self.key).unwrap()
    }
}

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Sends a request and its reply, and returns the server's description of the client.
pub(crate) async fn exchange(server: &Server, client: &Client) -> tokio_zmtp::Remote {
    client.send("request").await.unwrap();
    let (request, remote) = server.recv_from().await.unwrap();
    assert_eq!(request, "request");
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
    remote
}

pub(crate) fn port(endpoint: &Endpoint) -> u16 {
    match endpoint {
        Endpoint::Tls(tls) => tls.port(),
        Endpoint::Tcp(tcp) => tcp.port(),
        other => panic!("{other}"),
    }
}
