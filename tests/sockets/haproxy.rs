//! Clients that connect to a server through HAProxy, if it is installed.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{self, Child, Command, Stdio};

use tokio_zmtp::auth::{CurveKeypair, Networks};
use tokio_zmtp::{Client, Endpoint, Mechanism, Server};

use crate::events::until_established;
use crate::skipped::skip;
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
            .mechanism(Mechanism::CurveServer { keypair: keypair.clone() })
            .authenticator(networks)
            .bind("tcp://127.0.0.1:*")
            .await
            .unwrap();
        let mut monitor = server.monitor();
        let Some(Endpoint::Tcp(backend)) = server.last_endpoint() else {
            panic!("the endpoint is not TCP")
        };
        let backend = format!("127.0.0.1:{} {header}", backend.port());
        let Some(proxy) = HaProxy::start(header, "", &backend) else { return };
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

pub(crate) struct HaProxy {
    process: Child,
    config: PathBuf,
    pub(crate) endpoint: Endpoint,
}

impl HaProxy {
    /// Starts HAProxy in front of a server, or returns `None` if it is not installed. The address
    /// of the server and the side of clients have options of its configuration. The name is
    /// different for each process of a test binary.
    pub(crate) fn start(name: &str, bind_options: &str, server: &str) -> Option<Self> {
        // HAProxy inherits the listener, so its port is known and no wait is necessary.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let endpoint = listener.local_addr().unwrap().into();
        let config = env::temp_dir().join(format!("tokio-zmtp-{}-{name}.cfg", process::id()));
        let text = format!(
            "defaults\n  mode tcp\n  timeout connect 9s\n  timeout client 9s\n  timeout server 9s\n\
             listen one\n  bind fd@0 {bind_options}\n  server one {server}\n"
        );
        fs::write(&config, text).unwrap();
        let command = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&config)
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .spawn();
        match command {
            Ok(process) => Some(Self { process, config, endpoint }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("haproxy is not installed");
                fs::remove_file(config).unwrap();
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.config);
    }
}
