//! HAProxy terminates TLS, adds it, or forwards it, if HAProxy is installed.

use std::env;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process;

use tokio_zmtp::{Client, Rep, Req, Server};

use super::certificates::{Authority, Certificate, exchange, port};
use crate::haproxy::HaProxy;
use crate::python;
use crate::scripts::{ROUND_TRIPS, Security, describe, reply_to_each, request_each};
use crate::watchdog::Watchdog;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_terminates_tls_in_front_of_servers_without_it() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let file = PemFile::new("server", &authority.issue(&["localhost"]));
    let terminates = format!("ssl crt {}", file.display());

    let server = Server::new();
    let backend = port(&server.bind("tcp://127.0.0.1:*").await.unwrap());
    let backend = format!("127.0.0.1:{backend}");
    let Some(proxy) = HaProxy::start("terminates", &terminates, &backend) else { return };
    let endpoint = format!("tls://localhost:{}", port(&proxy.endpoint));
    let client = Client::builder().tls_client(authority.client()).build();
    client.connect(endpoint).await.unwrap();
    exchange(&server, &client).await;

    // A REP of libzmq.
    let Some(mut remote) = python::start() else { return };
    let theirs =
        describe(&mut remote, "rep", ("bind", "tcp://127.0.0.1:*"), ROUND_TRIPS, &Security::null());
    let backend = theirs.strip_prefix("tcp://").unwrap();
    let Some(proxy) = HaProxy::start("libzmq", &terminates, backend) else { return };
    let endpoint = format!("tls://localhost:{}", port(&proxy.endpoint));
    let req = Req::builder().tls_client(authority.client()).connect(endpoint).await.unwrap();
    request_each(&req, &mut remote).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_adds_tls_for_clients_without_it() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let alice = authority.issue(&["alice"]);
    let file = PemFile::new("client", &alice);
    let roots = PemFile::of_text("roots", &authority.pem);
    let tls = authority.issue(&["localhost"]).server();
    let rep = Rep::builder()
        .tls_server(tls.require_client_certificates(&authority.pem).unwrap())
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let backend = format!(
        "127.0.0.1:{} ssl verify required verifyhost localhost ca-file {} crt {}",
        port(&rep.last_endpoint().unwrap()),
        roots.display(),
        file.display(),
    );
    let Some(proxy) = HaProxy::start("adds", "", &backend) else { return };
    // A REQ of libzmq.
    let Some(mut remote) = python::start() else { return };
    let endpoint = proxy.endpoint.to_string();
    describe(&mut remote, "req", ("connect", &endpoint), ROUND_TRIPS, &Security::null());
    reply_to_each(&rep, &mut remote).await;
    let remote = rep.remotes().list().remove(0);
    assert_eq!(remote.certificate(), Some(&*alice.der));
}

#[tokio::test]
async fn a_proxy_that_forwards_tls_sends_its_header_first() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    for header in ["send-proxy", "send-proxy-v2"] {
        let server = Server::builder()
            .tls_server(authority.issue(&["localhost"]).server())
            .proxy_protocol(["127.0.0.1".parse().unwrap()])
            .bind("tls://127.0.0.1:*")
            .await
            .unwrap();
        let backend = port(&server.last_endpoint().unwrap());
        let backend = format!("127.0.0.1:{backend} {header}");
        let name = format!("forwards-{header}");
        let Some(proxy) = HaProxy::start(&name, "", &backend) else { return };
        let client = Client::builder()
            .tls_client(authority.client().server_name("localhost").unwrap())
            .source_address((Ipv4Addr::new(127, 0, 0, 77), 0))
            .connect(format!("tls://127.0.0.1:{}", port(&proxy.endpoint)))
            .await
            .unwrap();
        let remote = exchange(&server, &client).await;
        assert_eq!(remote.address().unwrap().ip(), Ipv4Addr::new(127, 0, 0, 77));
        assert_eq!(remote.proxy_address().unwrap().ip(), Ipv4Addr::LOCALHOST);
    }
}

/// A file that HAProxy reads, until this is dropped.
struct PemFile(PathBuf);

impl PemFile {
    fn new(name: &str, Certificate { pem, key, .. }: &Certificate) -> Self {
        Self::of_text(name, &format!("{pem}{key}"))
    }

    fn of_text(name: &str, text: &str) -> Self {
        let path = env::temp_dir().join(format!("tokio-zmtp-{}-{name}.pem", process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn display(&self) -> std::path::Display<'_> {
        Path::display(&self.0)
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
