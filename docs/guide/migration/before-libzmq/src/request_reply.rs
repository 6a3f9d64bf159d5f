use std::error::Error;
use std::time::Duration;

use libzmq::prelude::*;
use libzmq::{ClientBuilder, ErrorKind, ServerBuilder, TcpAddr};

/// Answers requests at an address such as `127.0.0.1:5555`.
pub fn serve(address: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let address: TcpAddr = address.try_into()?;
    let server = ServerBuilder::new().bind(address).build()?;
    loop {
        let request = server.recv_msg()?;
        let id = request.routing_id().ok_or("the request has no routing id")?;
        let reply = format!("hello {}", request.to_str()?);
        match server.route(reply, id) {
            Err(error) if error.kind() == ErrorKind::HostUnreachable => {}
            sent => sent?,
        }
    }
}

/// Sends a request, and waits at most three seconds for its reply.
pub fn ask(address: &str, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let address: TcpAddr = address.try_into()?;
    let timeout = Duration::from_secs(3);
    let client = ClientBuilder::new().connect(address).recv_timeout(timeout).build()?;
    client.send(name)?;
    Ok(client.recv_msg()?.to_str()?.to_owned())
}
