use std::error::Error;

use zmq::Context;

/// Answers requests.
pub fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let server = context.socket(zmq::REP)?;
    server.bind(endpoint)?;
    loop {
        let request = server.recv_bytes(0)?;
        let name = String::from_utf8_lossy(&request);
        server.send(&format!("hello {name}"), 0)?;
    }
}

/// Sends a request, and waits at most three seconds for its reply.
pub fn ask(endpoint: &str, name: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let context = Context::new();
    let client = context.socket(zmq::REQ)?;
    client.set_rcvtimeo(3_000)?;
    client.set_linger(0)?;
    client.connect(endpoint)?;
    client.send(name, 0)?;
    Ok(client.recv_string(0)?.map_err(|_| "the reply is not text")?)
}
