//! `zmtp call`: a call of a service of `tokio_zmtp::rpc`.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures_core::Stream;
use tokio_zmtp::config::AnySocket;
use tokio_zmtp::rpc::{
    CallError, ErrorCode, Replies, Request, Requester, RequestingSocket, TraceContext,
};
use tokio_zmtp::{Message, SocketType};

use crate::arguments::{SocketArguments, time};
use crate::exit::{Exit, Failure, with_sources};
use crate::input;
use crate::output::{DelimiterArguments, FormatArguments, Output};
use crate::socket::{Watch, finish};

#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct CallArguments {
    #[command(flatten)]
    socket: SocketArguments,
    /// Endpoint to connect to, unless --bind, --connect or a context names one, and the body of the
    /// request; @FILE is the content of a file. Without a body, standard input is sent
    #[arg(value_name = "ENDPOINT|BODY")]
    body: Vec<String>,
    /// Type of the socket: client for a service with a SERVER, dealer for one with a REP or ROUTER.
    /// Use `zmtp request` for a remote without `tokio_zmtp::rpc`
    #[arg(short = 'T', long = "type", value_enum, default_value = "client", value_name = "TYPE")]
    socket_type: Caller,
    /// Time limit of the call, which is also sent to the service. Default: that of --timeout
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    deadline: Option<Duration>,
    /// Accept a stream as the reply, and write its parts as they arrive
    #[arg(long)]
    stream: bool,
    /// Trace context of the request: a W3C traceparent
    #[arg(long, value_name = "TRACEPARENT", env = "TRACEPARENT")]
    traceparent: Option<String>,
    /// Vendor state of the trace context: a W3C tracestate
    #[arg(long, value_name = "TRACESTATE", env = "TRACESTATE", requires = "traceparent")]
    tracestate: Option<String>,
    #[command(flatten)]
    format: FormatArguments,
}

const EXAMPLES: &str = "\
Examples:
  zmtp call tcp://localhost:5555 '{\"name\": \"Ada\"}' --deadline 5s
  zmtp call tcp://localhost:5555 @request.json | jq .
  zmtp call tcp://localhost:5555 --stream 'count to 10'
  zmtp call -T dealer tcp://localhost:5555 hello      a service with a REP or ROUTER
  zmtp call tcp://a:5555 hello --traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The type of the socket that makes the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Caller {
    Client,
    Dealer,
}

pub(crate) async fn run(mut arguments: CallArguments) -> Result<(), Failure> {
    arguments.socket.take_endpoint(&mut arguments.body)?;
    let request = arguments.request()?;
    let socket_type = match arguments.socket_type {
        Caller::Client => SocketType::Client,
        Caller::Dealer => SocketType::Dealer,
    };
    let mut open = arguments.socket.open(socket_type).await?;
    let watch = open.watch.clone();
    let socket = open.socket.clone();
    let calling = async {
        match socket {
            AnySocket::Client(client) => {
                arguments.call(Requester::new(client), request, &watch).await
            }
            AnySocket::Dealer(dealer) => {
                arguments.call(Requester::new(dealer), request, &watch).await
            }
            other => Err(Failure::usage(format!("{} makes no calls", other.socket_type()))),
        }
    };
    let called = open.unless_refused(calling).await;
    finish(open, called).await
}

impl CallArguments {
    fn request(&self) -> Result<Request, Failure> {
        let body = match self.body.as_slice() {
            [] => {
                let mut body = Vec::new();
                io::stdin().read_to_end(&mut body)?;
                Bytes::from(body)
            }
            [body] => input::part(body)?,
            [_, more @ ..] => {
                let message = format!("a request has one body, and `{}` is another", more[0]);
                return Err(Failure::usage(message).hint("quote the text to make it one argument"));
            }
        };
        let mut request = Request::new(body);
        if let Some(deadline) = self.deadline.or(self.socket.timeout) {
            request = request.with_timeout(deadline);
        }
        if let Some(parent) = &self.traceparent {
            let invalid =
                |error| Failure::usage(format!("--traceparent: {}", with_sources(&error)));
            let mut context: TraceContext = parent.parse().map_err(invalid)?;
            if let Some(state) = &self.tracestate {
                context = context.with_state(state.as_str()).map_err(invalid)?;
            }
            request = request.with_trace_context(context);
        }
        Ok(request)
    }

    async fn call<S: RequestingSocket>(
        &self,
        requester: Requester<S>,
        request: Request,
        watch: &Watch,
    ) -> Result<(), Failure> {
        let mut output = Output::open(&self.format, &DelimiterArguments::default())?;
        let called = if self.stream {
            write_parts(requester.stream(request), &mut output).await?
        } else {
            match requester.call(request).await {
                Ok(reply) => {
                    write(reply, &mut output)?;
                    Ok(())
                }
                Err(error) => Err(error),
            }
        };
        // A reply of another protocol is not the reply of the call, which is still awaited.
        let is_foreign = requester.stats().malformed > 0;
        called.map_err(|error| {
            let failure = failure(&error, watch);
            if is_foreign { failure.hint(FOREIGN) } else { failure }
        })
    }
}

const FOREIGN: &str = "the remote has sent a message that is not a reply of tokio_zmtp::rpc: \
    use `zmtp request` for a REP, ROUTER or SERVER without it";

/// Writes the parts of a stream as they arrive. The inner error is that of the call.
async fn write_parts<S: RequestingSocket>(
    mut replies: Replies<S>,
    output: &mut Output,
) -> Result<Result<(), CallError>, Failure> {
    while let Some(part) = poll_fn(|cx| Pin::new(&mut replies).poll_next(cx)).await {
        match part {
            Ok(part) => write(part, output)?,
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}

fn write(body: Message, output: &mut Output) -> Result<(), Failure> {
    output.write(&body.into())?;
    output.flush()
}

fn failure(error: &CallError, watch: &Watch) -> Failure {
    let exit = match error {
        CallError::DeadlineExceeded | CallError::NotSent => Exit::TimedOut,
        CallError::NoEndpoint(_) => Exit::Refused,
        CallError::ConnectionLost | CallError::Refused | CallError::Undelivered => Exit::Incomplete,
        CallError::Failed(failure) if failure.code() == ErrorCode::DEADLINE_EXCEEDED => {
            Exit::TimedOut
        }
        _ => Exit::Failure,
    };
    match error {
        CallError::NotSent => watch.timed_out(&with_sources(error)),
        CallError::Failed(_) => Failure::new(exit, with_sources(error)),
        error if error.may_be_carried_out() => {
            Failure::new(exit, with_sources(error)).hint("the request may have been carried out")
        }
        error => Failure::new(exit, with_sources(error)).hint("the request was not carried out"),
    }
}
