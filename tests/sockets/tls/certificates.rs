//! Certificates that the tests issue.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use tokio_zmtp::{Client, Endpoint, Server, TlsClient, TlsServer};

/// Issues certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(super) pem: String,
}

/// A certificate and its private key.
pub(super) struct Certificate {
    pub(super) pem: String,
    pub(super) der: Vec<u8>,
    pub(super) key: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Issues a certificate for these hosts.
    pub(super) fn issue(&self, hosts: &[&str]) -> Certificate {
        self.issue_with(hosts, |_| {})
    }

    pub(super) fn issue_with(
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

    /// Returns the TLS of clients that trust this authority.
    pub(super) fn client(&self) -> TlsClient {
        TlsClient::with_roots(&self.pem).unwrap()
    }
}

impl Certificate {
    pub(super) fn server(&self) -> TlsServer {
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
pub(super) async fn exchange(server: &Server, client: &Client) -> tokio_zmtp::Remote {
    client.send("request").await.unwrap();
    let (request, remote) = server.recv_from().await.unwrap();
    assert_eq!(request, "request");
    server.reply(&request, "reply").await.unwrap();
    assert_eq!(client.recv().await.unwrap(), "reply");
    remote
}

pub(super) fn port(endpoint: &Endpoint) -> u16 {
    match endpoint {
        Endpoint::Tls(tls) => tls.port(),
        Endpoint::Tcp(tcp) => tcp.port(),
        other => panic!("{other}"),
    }
}
