//! The tasks of a worker.

use std::str::FromStr;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use tokio::time;
use tokio_zmtp::rpc::{Failure, Request, Response};

/// Performs a task, which is a word with an argument:
///
/// | Task | Reply |
/// |---|---|
/// | `upper <text>` | the text in upper case |
/// | `count <number>` | a stream of numbers up to this one |
/// | `sleep <milliseconds>` | `slept`, after this time |
/// | `fail <number>` | an error with this number |
/// | `remaining` | the remaining time in milliseconds |
/// | `trace` | the trace context of the task |
///
/// # Errors
///
/// If there is no such task, if its argument is not valid, or if the task is `fail`.
pub async fn perform(request: Request) -> Result<Response, Failure> {
    let task = request.body().to_str().map_err(|_| Failure::application(400, "not valid UTF-8"))?;
    let (verb, object) = task.split_once(' ').unwrap_or((task, ""));
    match verb {
        "upper" => Ok(object.to_uppercase().into()),
        "count" => {
            let numbers = stream::iter(1..=number::<u32>(object)?);
            Ok(Response::stream(numbers.map(|number| Ok::<_, Failure>(number.to_string()))))
        }
        "sleep" => {
            time::sleep(Duration::from_millis(number(object)?)).await;
            Ok("slept".into())
        }
        "fail" => Err(Failure::application(number(object)?, "as you wish")),
        "remaining" => {
            let remaining = request.remaining().map(|remaining| remaining.as_millis().to_string());
            Ok(remaining.unwrap_or_else(|| "no limit".to_owned()).into())
        }
        "trace" => {
            let trace = request.trace_context().map(ToString::to_string);
            Ok(trace.unwrap_or_else(|| "no trace".to_owned()).into())
        }
        _ => Err(Failure::application(404, "no such task")),
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::application(400, "not a number"))
}
