use std::error::Error;

use futures::stream::{self, StreamExt};
use tokio_zmtp::Server;
use tokio_zmtp::rpc::{Failure, Request, Responder, Response, service_fn};

/// Answers calls.
pub async fn serve(endpoint: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let server = Server::builder().bind(endpoint).await?;
    Responder::new(server).serve(service_fn(answer)).await;
    Ok(())
}

/// Answers a request, which begins with the name of its method.
pub async fn answer(request: Request) -> Result<Response, Failure> {
    let text = request.body().to_str().unwrap_or_default();
    match text.split_once(' ') {
        Some(("hello", "")) => Err(Failure::application(NO_NAME, "a name is required")),
        Some(("hello", name)) => Ok(Response::new(format!("hello {name}"))),
        Some(("count", to)) => {
            let numbers = 1..=to.parse().unwrap_or(0_u32);
            let replies = stream::iter(numbers).map(|number| Ok(number.to_string()));
            Ok(Response::stream::<_, _, Failure>(replies))
        }
        _ => Err(Failure::application(NO_METHOD, "there is no such method")),
    }
}

/// The details of failures are numbers that client and server agree on.
pub const NO_NAME: u32 = 1;

/// The request names no method.
pub const NO_METHOD: u32 = 2;
