//! Transports other than `tcp`, and a proxy.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::{fs, io};

use crate::process::{Zmtp, directory, run};

/// Sends a message from a PUSH to a PULL that is bound to an endpoint.
fn passes(bound: &str, options: &str, connected: &str) {
    let (pull, endpoint) = Zmtp::bound(&format!("pull --bind {bound} -n 1{options}"));
    assert_eq!(run(&format!("push {endpoint} hello{connected}")).code, Some(0));
    assert_eq!(pull.finish(), "hello\n");
}

#[test]
fn messages_pass_over_websockets_and_unix_domain_sockets() {
    passes("ws://127.0.0.1:*/jobs", "", "");
    passes(&format!("ipc://{}/socket", directory()), "", "");
}

#[test]
fn messages_pass_over_tls() {
    let directory = directory();
    let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str, text: &str| {
        let path = format!("{directory}/{name}");
        fs::write(&path, text).unwrap();
        path
    };
    let (certificate, key) =
        (file("cert.pem", &pair.cert.pem()), file("key.pem", &pair.signing_key.serialize_pem()));
    let server =
        file("server.toml", &format!("{{ certificate = '{certificate}', key = '{key}' }}"));
    let client = file("client.toml", &format!("{{ roots = '{certificate}' }}"));
    for bound in ["tls://127.0.0.1:*", "wss://127.0.0.1:*/jobs"] {
        passes(bound, &format!(" -o tls_server=@{server}"), &format!(" -o tls_client=@{client}"));
    }
}

#[test]
fn a_dish_receives_over_udp() {
    // The port is free, and datagrams to it are repeated until one is received.
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (mut dish, _) = Zmtp::bound(&format!("dish --bind udp://127.0.0.1:{port} weather -n 1"));
    let radio = format!("radio udp://127.0.0.1:{port} --group weather sunny --interval 10ms");
    let radio = Zmtp::start(&radio);
    assert_eq!(dish.line(), "weather\tsunny");
    drop(radio);
}

#[test]
fn a_connection_goes_through_a_socks_proxy() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    let forwarding = thread::spawn(move || forward(proxy.accept().unwrap().0).unwrap());
    passes("tcp://127.0.0.1:*", "", &format!(" -o socks_proxy={{address='{address}'}}"));
    forwarding.join().unwrap();
}

/// Forwards one connection to an address of IPv4 by RFC 1928, without authentication.
fn forward(mut client: TcpStream) -> io::Result<()> {
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting)?;
    let mut methods = vec![0; greeting[1].into()];
    client.read_exact(&mut methods)?;
    client.write_all(&[5, 0])?;
    let mut request = [0; 10];
    client.read_exact(&mut request)?;
    assert_eq!(request[..4], [5, 1, 0, 1]);
    let address = <[u8; 4]>::try_from(&request[4..8]).unwrap();
    let port = u16::from_be_bytes([request[8], request[9]]);
    let mut server = TcpStream::connect((std::net::Ipv4Addr::from(address), port))?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || io::copy(&mut from_server, &mut to_client));
    // The ends may reset the connection.
    let _ = io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Write);
    let _ = back.join();
    Ok(())
}
