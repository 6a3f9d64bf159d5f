//! `zmtp reply`: replies to requests.

mod answer;
mod shell;

use std::num::NonZeroUsize;
use std::thread;

use clap::Args;
use tokio::task::JoinSet;
use tokio_zmtp::SocketType;

use self::answer::{Asked, Path, ask};
use crate::arguments::SocketArguments;
use crate::exit::{Exit, Failure};
use crate::input::{Input, InputArguments};
use crate::output::{DelimiterArguments, FormatArguments, Output, notice};
use crate::socket::{Open, Outgoing, finish};

#[derive(Clone, Debug, Args)]
pub(crate) struct ReplyArguments {
    #[command(flatten)]
    pub(super) socket: SocketArguments,
    #[command(flatten)]
    input: InputArguments,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    delimiter: DelimiterArguments,
    /// Reply with the request itself
    #[arg(long, conflicts_with = "command")]
    echo: bool,
    /// Reply with the output of a shell command, without its trailing newline. The command reads
    /// the request from its standard input. Parts that are text of up to 64 KiB are also in the
    /// environment variables ZMTP_PART_1, ZMTP_PART_2 and so on. If the command fails, its output
    /// is still the reply
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    /// Number of shell commands that run concurrently. Default: the number of processors
    #[arg(long, value_name = "NUMBER", requires = "command")]
    concurrency: Option<NonZeroUsize>,
    /// End after this number of requests
    #[arg(short = 'n', long, value_name = "NUMBER")]
    count: Option<u64>,
}

pub(crate) async fn run(
    mut arguments: ReplyArguments,
    socket_type: SocketType,
) -> Result<(), Failure> {
    arguments.socket.take_endpoint_before_parts(&mut arguments.input.parts)?;
    let mut output = Output::open(&arguments.format, &arguments.delimiter)?;
    let mut replies = Replies::default();
    // The same parts for every request, or a line for each.
    let generates = !arguments.echo && arguments.command.is_none();
    if !generates && !arguments.input.parts.is_empty() {
        return Err(Failure::usage("--echo and --command reply without parts"));
    }
    let mut input = None;
    if generates {
        let count = (!arguments.input.parts.is_empty()).then_some(0);
        let delimiter = arguments.delimiter.bytes();
        input = Some(arguments.input.open(Outgoing::default(), delimiter, count)?);
    }
    let mut open = arguments.socket.open(socket_type).await?;
    let other = open.sender();
    let replying = reply_all(&arguments, &other, input.as_mut(), &mut output, &mut replies);
    let replied = open.unless_refused(replying).await;
    // Commands that run are not abandoned: their requests have been received.
    while !replies.running.is_empty() {
        replies.join().await;
    }
    let replied = replied.and_then(|()| replies.report());
    let replied = output.flush().and(replied);
    finish(open, replied).await
}

/// The replies that are in progress, and those that could not be sent.
#[derive(Debug, Default)]
struct Replies {
    running: JoinSet<Result<(), Failure>>,
    lost: u64,
}

impl Replies {
    async fn join(&mut self) {
        if let Some(Ok(replied)) = self.running.join_next().await {
            self.count(replied);
        }
    }

    fn count(&mut self, replied: Result<(), Failure>) {
        if let Err(failure) = replied {
            self.lost += 1;
            notice::warning(&format!("a reply was not sent: {failure}"));
        }
    }

    fn report(&self) -> Result<(), Failure> {
        match self.lost {
            0 => Ok(()),
            lost => Err(Failure::new(Exit::Incomplete, format!("{lost} replies were not sent"))),
        }
    }
}

async fn reply_all(
    arguments: &ReplyArguments,
    open: &Open,
    mut input: Option<&mut Input>,
    output: &mut Output,
    replies: &mut Replies,
) -> Result<(), Failure> {
    let processors = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let concurrency = arguments.concurrency.unwrap_or_else(processors).get();
    let mut left = arguments.count.unwrap_or(u64::MAX);
    while left > 0 {
        while replies.running.len() >= concurrency {
            replies.join().await;
        }
        let asking = ask(&open.socket);
        let asked = arguments.socket.in_time(open, "request", asking).await?;
        let Some(Asked { request, body, path }) = asked else { break };
        left -= 1;
        output.write(&request)?;
        output.flush()?;
        if let Some(command) = &arguments.command {
            let (command, open) = (command.clone(), open.sender());
            replies.running.spawn(async move {
                let parts = vec![shell::run(&command, &body).await?];
                path.reply(&open, parts).await
            });
            continue;
        }
        let parts = match &mut input {
            None => body,
            Some(input) => match input.next().await? {
                Some(outgoing) => outgoing.parts,
                None => {
                    drop::<Path>(path);
                    return Err(Failure::new(Exit::Incomplete, "no line is left for a request"));
                }
            },
        };
        replies.count(path.reply(open, parts).await);
    }
    Ok(())
}
