//! A client and a server that exchange values instead of bytes, as JSON.
//!
//! `cargo run -p programs --bin typed`
//!
//! `SinkExt::with` and `StreamExt::map` convert the `Sink` and the `Stream` of a socket into those
//! of any type that serde supports. A message has its own length, so no framing is needed. The
//! server keeps the routing id with each value. A message that cannot be decoded is an item of the
//! stream like any other: the server answers it, and the stream continues.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::future;

use futures::{Sink, SinkExt, Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_zmtp::{Client, Message, RoutingId, Server};

/// A question of the client.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Question {
    Sum(Vec<i64>),
    Reverse { text: String },
}

/// An answer of the server.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Number(i64),
    Text(String),
    /// The question is not valid, or has no answer.
    Refused(String),
}

#[tokio::main]
async fn main() -> Result<(), TypedError> {
    let server = Server::new();
    let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    let client = Client::new();
    client.connect(endpoint).await?;
    let serving = tokio::spawn(serve(server.clone()));

    let mut questions = typed_sink::<Question>(client.clone());
    let mut answers = typed_stream::<Answer>(client.clone());
    questions.send(Question::Sum(vec![19, 4, -2])).await?;
    questions.send(Question::Reverse { text: "desserts".into() }).await?;
    questions.send(Question::Sum(vec![i64::MAX, 1])).await?;
    // A message that is not a question, sent without the typed sink.
    client.send("what time is it?").await?;
    for expected in ["number 21", "text stressed", "refused", "refused"] {
        let answer = answers.next().await.ok_or("the client is closed")??;
        println!("client: received {answer:?}");
        let shown = match answer {
            Answer::Number(number) => format!("number {number}"),
            Answer::Text(text) => format!("text {text}"),
            Answer::Refused(_) => "refused".to_owned(),
        };
        if shown != expected {
            return Err(format!("expected {expected}").into());
        }
    }

    client.close().await;
    server.close().await;
    serving.await??;
    println!("all answers are correct");
    Ok(())
}

/// Answers questions until the server is closed.
async fn serve(server: Server) -> Result<(), TypedError> {
    let mut answers = addressed_sink::<Answer>(server.clone());
    let mut questions = addressed_stream::<Question>(server);
    while let Some((from, question)) = questions.next().await {
        let answer = match question {
            Ok(question) => answer(question),
            Err(error) => Answer::Refused(error.to_string()),
        };
        answers.send((from, answer)).await?;
    }
    Ok(())
}

fn answer(question: Question) -> Answer {
    match question {
        Question::Sum(numbers) => numbers
            .into_iter()
            .try_fold(0_i64, i64::checked_add)
            .map_or_else(|| Answer::Refused("it is too large".into()), Answer::Number),
        Question::Reverse { text } => Answer::Text(text.chars().rev().collect()),
    }
}

/// Decodes the messages that a socket receives.
fn typed_stream<T: DeserializeOwned>(
    socket: impl Stream<Item = Message>,
) -> impl Stream<Item = serde_json::Result<T>> {
    socket.map(|message| serde_json::from_slice(&message))
}

/// Encodes values for the sink of a client.
fn typed_sink<T: Serialize>(client: Client) -> impl Sink<T, Error = TypedError> + Unpin {
    client.with(|value: T| future::ready(encode(&value)))
}

/// Decodes the messages that a server receives, each with its sender.
fn addressed_stream<T: DeserializeOwned>(
    server: Server,
) -> impl Stream<Item = (RoutingId, serde_json::Result<T>)> + Unpin {
    server.filter_map(|message| {
        let value = serde_json::from_slice(&message);
        future::ready(message.routing_id().map(|from| (from, value)))
    })
}

/// Encodes values for the sink of a server, each with its client. An answer to a client that has
/// disconnected is dropped and counted, without an error.
fn addressed_sink<T: Serialize>(
    server: Server,
) -> impl Sink<(RoutingId, T), Error = TypedError> + Unpin {
    server.lossy().with(|(to, value): (RoutingId, T)| {
        future::ready(encode(&value).map(|message| message.with_routing_id(to)))
    })
}

fn encode(value: &impl Serialize) -> Result<Message, TypedError> {
    Ok(serde_json::to_vec(value)?.into())
}

/// A value that cannot be encoded, or a socket that is closed.
type TypedError = Box<dyn Error + Send + Sync>;
