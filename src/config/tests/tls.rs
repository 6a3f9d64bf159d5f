//! Certificates of configurations: their forms, and the errors of files.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

use super::{read, refuse};
use crate::config::{
    ClientCertificates, ClientConfig, ConfigError, PemSource, ServerConfig, SocketConfig,
    TlsServerConfig,
};
use crate::options::TlsConfigError;

#[test]
fn every_key_is_read_and_written() {
    let text = "
        [tls_client]
        roots = 'ca.pem'
        certificate = 'alice.pem'
        key = { pem = 'the private key' }
        revocation_lists = 'revoked.pem'
        server_name = 'example.org'

        [tls_server]
        certificate = 'server.pem'
        key = 'server.key'
        client_certificates = { required = 'clients.pem' }
        revocation_lists = { pem = 'a list' }
    ";
    let config: ClientConfig = read(text);
    let client = config.tls_client.clone().unwrap();
    assert_eq!(client.roots, Some(PemSource::file("ca.pem")));
    assert_eq!(client.certificate, Some(PemSource::file("alice.pem")));
    assert_eq!(client.key, Some(PemSource::text("the private key")));
    assert_eq!(client.revocation_lists, Some(PemSource::file("revoked.pem")));
    assert_eq!(client.server_name.as_deref(), Some("example.org"));
    let [certificate, key] = ["server.pem", "server.key"].map(PemSource::file);
    let mut server = TlsServerConfig::new(certificate, key);
    server.client_certificates = Some(ClientCertificates::Required(PemSource::file("clients.pem")));
    server.revocation_lists = Some(PemSource::text("a list"));
    assert_eq!(config.tls_server, Some(server));

    assert_eq!(read::<ClientConfig>(&toml::to_string(&config).unwrap()), config);
    assert_eq!(read::<SocketConfig>(&format!("type = 'client'\n{text}")), config.clone().into());
    assert!(!format!("{config:?}").contains("private"));
}

#[test]
fn a_form_that_is_not_valid_is_refused() {
    for (text, words) in [
        ("tls_client = { root = 'ca.pem' }", "unknown field `root`"),
        ("tls_client = { roots = 5 }", "expected the path of a PEM file, or a table such as"),
        ("tls_client = { roots = { file = 'ca.pem' } }", "unknown field `file`, expected `pem`"),
        ("tls_client = 'ca.pem'", "invalid type: string"),
        ("tls_server = { certificate = 'server.pem' }", "missing field `key`"),
        (
            "tls_server = { certificate = 'a', key = 'b', client_certificates = 'c' }",
            "unknown variant `c`, expected `requested` or `required`",
        ),
    ] {
        let error = refuse::<ClientConfig>(text);
        assert!(error.contains(words), "{error}");
        assert!(error.contains("at line 1,"), "{error}");
    }
}

#[test]
fn an_error_names_the_key_of_the_file() {
    let Pair { certificate, key } = Pair::new();
    let other = Pair::new();
    let none = PathBuf::from("/nonexistent/file.pem");
    let server = |certificate: &Path, key: &Path, rest: &str| {
        let files = format!("certificate = {certificate:?}, key = {key:?}");
        let config: ServerConfig = read(&format!("tls_server = {{ {files}{rest} }}"));
        config.builder().map(drop)
    };
    let client = |keys: &str| {
        let config: ClientConfig = read(&format!("tls_client = {{ {keys} }}"));
        config.builder().map(drop)
    };
    server(&certificate.0, &key.0, "").unwrap();
    client(&format!("roots = {0:?}, certificate = {0:?}, key = {1:?}", certificate.0, key.0))
        .unwrap();

    for (result, expected) in [
        (server(&none, &key.0, ""), "tls_server.certificate"),
        (server(&certificate.0, &none, ""), "tls_server.key"),
        (client(&format!("roots = {none:?}")), "tls_client.roots"),
    ] {
        let Err(ConfigError::TlsFile { key, path, source }) = result else {
            panic!("{result:?}");
        };
        assert_eq!((key, &path, source.kind()), (expected, &none, ErrorKind::NotFound));
    }
    let no_roots = ", client_certificates = { required = { pem = '' } }";
    let lists = ", revocation_lists = { pem = '' }";
    let roots = format!("roots = {:?}", certificate.0);
    for (result, expected) in [
        (server(&key.0, &key.0, ""), "tls_server.certificate: NoCertificate"),
        (server(&certificate.0, &certificate.0, ""), "tls_server.key: NoPrivateKey"),
        (server(&certificate.0, &other.key.0, ""), "tls_server.key: KeyMismatch"),
        (server(&certificate.0, &key.0, no_roots), "tls_server.client_certificates: NoCertificate"),
        (server(&certificate.0, &key.0, lists), "tls_server.revocation_lists: NoRevocationList"),
        (client("roots = { pem = '' }"), "tls_client.roots: NoCertificate"),
        (client(&format!("{roots}{lists}")), "tls_client.revocation_lists: NoRevocationList"),
        (
            client(&format!("{roots}, server_name = 'not a name'")),
            "tls_client.server_name: ServerName { name: \"not a name\" }",
        ),
    ] {
        let Err(ConfigError::Tls { key, source }) = result else { panic!("{result:?}") };
        assert_eq!(format!("{key}: {source:?}"), expected);
    }
    for (present, absent) in [("certificate", "tls_client.key"), ("key", "tls_client.certificate")]
    {
        let result = client(&format!("{roots}, {present} = {none:?}"));
        assert!(matches!(result, Err(ConfigError::TlsMissing { key }) if key == absent));
    }
    let error = server(&certificate.0, &certificate.0, "").unwrap_err();
    assert_eq!(error.to_string(), "`tls_server.key` is refused");
    let source = error.source().unwrap().downcast_ref().unwrap();
    assert!(matches!(source, TlsConfigError::NoPrivateKey));
}

/// A self-signed certificate and its private key.
struct Pair {
    certificate: File,
    key: File,
}

impl Pair {
    fn new() -> Self {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = pair.signing_key.serialize_pem();
        Self { certificate: File::new(&pair.cert.pem()), key: File::new(&key) }
    }
}

/// A file that is removed when this is dropped.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tokio-zmtp-config-{}-{number}.pem", process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
