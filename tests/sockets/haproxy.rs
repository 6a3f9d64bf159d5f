//! Clients that connect to a server through HAProxy, if it is installed.

use std::net::Ipv4Addr;
use std::process::Command;

use tokio_zmtp::auth::{CurveKeypair, Networks};
use tokio_zmtp::{Client, Endpoint, Mechanism, Server};

use crate::events::until_established;
use crate::proxy_process::ProxyProcess;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn clients_behind_haproxy_are_identified_by_their_addresses() {
    let _watchdog = Watchdog::start();
    for header in ["send-proxy", "send-proxy-v2"] {
        // Lists the address of the client, and not that of the proxy.
        let networks = Networks::new();
        networks.allow("127.0.0.77".parse().unwrap());
        let keypair = CurveKeypair::generate();
        let server = Server::builder()
            .proxy_protocol(["127.0.0.1".parse().unwrap()])
            .mechanism(Mechanism::curve_server(keypair.clone()))
            .authenticator(networks)
            .bind("tcp://127.0.0.1:*")
            .await
            .unwrap();
        let mut monitor = server.monitor();
        let Some(Endpoint::Tcp(backend)) = server.last_endpoint() else {
            panic!("the endpoint is not TCP")
        };
        let backend = format!("127.0.0.1:{} {header}", backend.port());
        let Some(proxy) = start(header, "", &backend) else { return };
        let client = Client::builder()
            .mechanism(Mechanism::curve_client(keypair.public_key()))
            .source_address((Ipv4Addr::new(127, 0, 0, 77), 0))
            .connect(&proxy.endpoint)
            .await
            .unwrap();
        client.send("request").await.unwrap();
        let (request, remote) = server.recv_from().await.unwrap();
        server.reply(&request, "reply").await.unwrap();
        assert_eq!(client.recv().await.unwrap(), "reply");
        assert_eq!(remote.address().unwrap().ip(), Ipv4Addr::new(127, 0, 0, 77));
        assert_eq!(remote.proxy_address().unwrap().ip(), Ipv4Addr::LOCALHOST);
        assert_eq!(until_established(&mut monitor).await.address, remote.address());
    }
}

/// Starts HAProxy in front of a server, or returns `None` if it is not installed. The address of
/// the server and the side of clients have options of its configuration. The name is different for
/// each process of a test binary.
pub(crate) fn start(name: &str, bind_options: &str, server: &str) -> Option<ProxyProcess> {
    let config = format!(
        "defaults\n  mode tcp\n  timeout connect 9s\n  timeout client 9s\n  timeout server 9s\n\
         listen one\n  bind fd@0 {bind_options}\n  server one {server}\n"
    );
    ProxyProcess::start("haproxy", name, &config, |path| {
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(path);
        command
    })
}
