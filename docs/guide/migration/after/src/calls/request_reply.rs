use std::error::Error;
use std::time::Duration;

use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, service_fn};
use tokio_zmtp::{Client, Server};

/// Answers requests. Start any number of servers, each at its own endpoint.
pub async fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Server::builder().bind(endpoint).await?;
    let greet = service_fn(|request: Request| async move {
        let name = String::from_utf8_lossy(request.body());
        Ok::<_, Failure>(format!("hello {name}"))
    });
    Responder::new(server).serve(greet).await;
    Ok(())
}

/// Connects to all servers. Each request goes to one of them.
pub async fn connect(endpoints: &[&str]) -> Result<Requester, Box<dyn Error + Send + Sync>> {
    let client = Client::builder().heartbeat_interval(Duration::from_secs(10)).build();
    for endpoint in endpoints {
        client.connect(*endpoint).await?;
    }
    Ok(Requester::new(client))
}

/// Sends a request, and waits at most three seconds for its reply.
pub async fn ask(
    requester: &Requester,
    name: &str,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    let request = Request::from(name.to_owned()).with_timeout(Duration::from_secs(3));
    Ok(requester.call(request).await?.to_str()?.to_owned())
}
