//! HAProxy and stunnel terminate TLS or add it, and HAProxy forwards it, if they are installed.

use std::net::Ipv4Addr;
use std::process::Command;

use tokio_zmtp::{Client, Rep, Req, Server};

use super::certificates::{Authority, exchange, port};
use super::pem_file::PemFile;
use crate::haproxy;
use crate::proxy_process::ProxyProcess;
use crate::python;
use crate::scripts::{ROUND_TRIPS, Security, describe, parts_of, reply_to_each, request_each};
use crate::watchdog::Watchdog;

/// Runs `async fn $test(terminator)` with each program.
macro_rules! with_each_terminator {
    ($test:ident) => {
        mod $test {
            use super::Terminator;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn haproxy() {
                super::$test(Terminator::HaProxy).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn stunnel() {
                super::$test(Terminator::Stunnel).await;
            }
        }
    };
}

with_each_terminator!(a_proxy_terminates_tls_in_front_of_servers_without_it);

async fn a_proxy_terminates_tls_in_front_of_servers_without_it(terminator: Terminator) {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let file = PemFile::new("server", &authority.issue(&["localhost"]));

    let server = Server::new();
    let backend = port(&server.bind("tcp://127.0.0.1:*").await.unwrap());
    let backend = format!("127.0.0.1:{backend}");
    let Some(proxy) = terminator.terminate("ours", &file, &backend) else { return };
    let endpoint = format!("tls://localhost:{}", port(&proxy.endpoint));
    let client = Client::builder().tls_client(authority.client()).build();
    client.connect(endpoint).await.unwrap();
    exchange(&server, &client).await;

    // A REP of libzmq.
    let Some(mut remote) = python::start() else { return };
    let theirs =
        describe(&mut remote, "rep", ("bind", "tcp://127.0.0.1:*"), ROUND_TRIPS, &Security::null());
    let backend = theirs.strip_prefix("tcp://").unwrap();
    let Some(proxy) = terminator.terminate("libzmq", &file, backend) else { return };
    let endpoint = format!("tls://localhost:{}", port(&proxy.endpoint));
    let req = Req::builder().tls_client(authority.client()).connect(endpoint).await.unwrap();
    request_each(&req, &mut remote).await;
}

with_each_terminator!(a_proxy_that_terminates_tls_announces_the_address_of_the_client);

async fn a_proxy_that_terminates_tls_announces_the_address_of_the_client(terminator: Terminator) {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let file = PemFile::new("server", &authority.issue(&["localhost"]));
    let server = Server::builder()
        .proxy_protocol(["127.0.0.1".parse().unwrap()])
        .bind("tcp://127.0.0.1:*")
        .await
        .unwrap();
    let backend = format!("127.0.0.1:{}", port(&server.last_endpoint().unwrap()));
    let Some(proxy) = terminator.announce("announces", &file, &backend) else { return };
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

with_each_terminator!(a_proxy_adds_tls_for_clients_without_it);

async fn a_proxy_adds_tls_for_clients_without_it(terminator: Terminator) {
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
    let backend = format!("127.0.0.1:{}", port(&rep.last_endpoint().unwrap()));
    let Some(proxy) = terminator.add("adds", &file, &roots, &backend) else { return };
    let req = Req::new();
    req.connect(&proxy.endpoint).await.unwrap();
    let replying = async {
        let (request, mut replier) = rep.recv().await.unwrap();
        replier.reply(request).await.unwrap();
    };
    let (reply, ()) = tokio::join!(req.request(parts_of(1)), replying);
    assert_eq!(reply.unwrap(), parts_of(1));
    req.close().await;

    // A REQ of libzmq.
    let Some(mut remote) = python::start() else { return };
    let endpoint = proxy.endpoint.to_string();
    describe(&mut remote, "req", ("connect", &endpoint), ROUND_TRIPS, &Security::null());
    reply_to_each(&rep, &mut remote).await;
    for remote in rep.remotes().list() {
        assert_eq!(remote.certificate(), Some(&*alice.der));
    }
    assert!(!rep.remotes().is_empty());
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
        let Some(proxy) = haproxy::start(&name, "", &backend) else { return };
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

/// A program that terminates TLS.
#[derive(Clone, Copy, Debug)]
enum Terminator {
    HaProxy,
    Stunnel,
}

impl Terminator {
    /// Starts a proxy that accepts TLS in front of a server without it.
    fn terminate(self, name: &str, certificate: &PemFile, server: &str) -> Option<ProxyProcess> {
        let certificate = certificate.display();
        match self {
            Self::HaProxy => haproxy::start(name, &format!("ssl crt {certificate}"), server),
            Self::Stunnel => stunnel(name, server, &format!("cert = {certificate}")),
        }
    }

    /// Does the same, with a header of the PROXY protocol.
    fn announce(self, name: &str, certificate: &PemFile, server: &str) -> Option<ProxyProcess> {
        let certificate = certificate.display();
        match self {
            Self::HaProxy => {
                let server = format!("{server} send-proxy-v2");
                haproxy::start(name, &format!("ssl crt {certificate}"), &server)
            }
            Self::Stunnel => {
                stunnel(name, server, &format!("cert = {certificate}\nprotocol = proxy"))
            }
        }
    }

    /// Starts a proxy that accepts connections without TLS in front of a server that uses it.
    fn add(
        self,
        name: &str,
        certificate: &PemFile,
        roots: &PemFile,
        server: &str,
    ) -> Option<ProxyProcess> {
        let (certificate, roots) = (certificate.display(), roots.display());
        match self {
            Self::HaProxy => {
                let verify = "ssl verify required verifyhost localhost";
                let server = format!("{server} {verify} ca-file {roots} crt {certificate}");
                haproxy::start(name, "", &server)
            }
            Self::Stunnel => {
                let verify = "client = yes\nverifyChain = yes\ncheckHost = localhost";
                let options = format!("{verify}\nCAfile = {roots}\ncert = {certificate}");
                stunnel(name, server, &options)
            }
        }
    }
}

/// Starts stunnel with options of its one service, or returns `None` if it is not installed.
fn stunnel(name: &str, server: &str, options: &str) -> Option<ProxyProcess> {
    let config = format!(
        "foreground = yes\npid =\nsyslog = no\ndebug = crit\n\
         [one]\naccept = 127.0.0.1:0\nconnect = {server}\n{options}\n"
    );
    ProxyProcess::start("stunnel", name, &config, |path| {
        // It takes the listener as systemd passes it, which replaces the address.
        let mut command = Command::new("sh");
        command.arg("-c").arg("LISTEN_PID=$$ LISTEN_FDS=1 exec stunnel \"$0\" 3<&0").arg(path);
        command
    })
}
