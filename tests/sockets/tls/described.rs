//! Sockets whose certificates are files that a configuration names.

use std::{env, fs, process};

use tokio_zmtp::config::{ClientConfig, ServerConfig};

use super::certificates::{Authority, exchange};
use crate::watchdog::Watchdog;

#[tokio::test]
async fn sockets_are_started_with_the_certificates_of_their_files() {
    let _watchdog = Watchdog::start();
    let directory = env::temp_dir().join(format!("tokio-zmtp-described-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
    let (authority, clients) = (Authority::new("authority"), Authority::new("clients"));
    let of_server = authority.issue(&["localhost"]);
    let alice = clients.issue(&["alice"]);
    write("ca.pem", &authority.pem);
    write("clients.pem", &clients.pem);
    write("revoked.pem", &clients.revoke(&[], 3001));
    write("server.pem", &of_server.pem);
    write("server.key", &of_server.key);
    write("alice.pem", &alice.pem);

    let path = directory.display();
    let config: ServerConfig = toml::from_str(&format!(
        "bind = 'tls://127.0.0.1:*'
        [tls_server]
        certificate = '{path}/server.pem'
        key = '{path}/server.key'
        client_certificates = {{ required = '{path}/clients.pem' }}
        revocation_lists = '{path}/revoked.pem'"
    ))
    .unwrap();
    let server = config.start().await.unwrap();
    let endpoint = server.last_endpoint().unwrap();
    let text = format!(
        "connect = '{endpoint}'
        [tls_client]
        roots = '{path}/ca.pem'
        certificate = '{path}/alice.pem'
        key = {{ pem = {:?} }}
        server_name = 'localhost'",
        alice.key
    );
    let client = toml::from_str::<ClientConfig>(&text).unwrap().start().await.unwrap();
    assert_eq!(exchange(&server, &client).await.certificate(), Some(&*alice.der));

    // The application keeps the configuration, and reloads it from other files.
    let description = config.tls_server.as_ref().unwrap();
    let tls = description.load().unwrap();
    let builder = config.builder().unwrap().tls_server(tls.clone());
    let server = builder.bind("tls://127.0.0.1:*").await.unwrap();
    let renewed = authority.issue(&["localhost"]);
    write("server.pem", &renewed.pem);
    write("server.key", &renewed.key);
    tls.reload(description.load().unwrap()).unwrap();
    let mut config: ClientConfig = toml::from_str(&text).unwrap();
    config.connect = vec![server.last_endpoint().unwrap()];
    let client = config.start().await.unwrap();
    exchange(&server, &client).await;
    assert_eq!(client.remotes().list()[0].certificate(), Some(&*renewed.der));
    fs::remove_dir_all(directory).unwrap();
}
