//! A client of OpenSSL, if it is installed.

use std::env;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::process::{self, Command, Stdio};

use tokio::task;
use tokio_zmtp::Server;

use super::certificates::{Authority, port};
use crate::remote::GREETING;
use crate::skipped::skip;
use crate::watchdog::Watchdog;

#[tokio::test]
async fn openssl_verifies_the_server_and_receives_its_greeting() {
    let _watchdog = Watchdog::start();
    let authority = Authority::new("authority");
    let server = Server::builder()
        .tls_server(authority.issue(&["localhost"]).server())
        .bind("tls://127.0.0.1:*")
        .await
        .unwrap();
    let port = port(&server.last_endpoint().unwrap());
    let roots = env::temp_dir().join(format!("tokio-zmtp-openssl-{}.pem", process::id()));
    fs::write(&roots, &authority.pem).unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let command = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", version])
            .args(["-servername", "localhost", "-verify_hostname", "localhost"])
            .args(["-connect", &format!("127.0.0.1:{port}"), "-CAfile"])
            .arg(&roots)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match command {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("openssl is not installed");
                break;
            }
            Err(error) => panic!("{error}"),
        };
        child.stdin.as_mut().unwrap().write_all(&GREETING).unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let reading = task::spawn_blocking(move || {
            let mut greeting = [0; 64];
            stdout.read_exact(&mut greeting).map(|()| greeting)
        });
        let greeting = reading.await.unwrap().unwrap();
        assert_eq!((greeting[0], greeting[9], greeting[10]), (0xFF, 0x7F, 3));
        assert_eq!(&greeting[12..16], b"NULL");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    fs::remove_file(roots).unwrap();
}
