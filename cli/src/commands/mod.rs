//! The commands, one file or folder for each.

mod bench;
mod call;
mod keygen;
mod monitor;
mod proxy;
mod recv;
mod send;
mod top;

use clap::Subcommand;
use tokio_zmtp::SocketType;

use self::bench::BenchCommand;
use self::call::CallArguments;
use self::keygen::KeygenArguments;
use self::monitor::MonitorArguments;
use self::proxy::ProxyArguments;
use self::recv::RecvArguments;
use self::send::SendArguments;
use self::top::TopArguments;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send messages with a socket of any type
    Send(Typed<SendArguments>),
    /// Receive messages with a socket of any type
    Recv(Typed<RecvArguments>),
    /// Publish messages (PUB)
    Pub(SendArguments),
    /// Receive the messages of publishers (SUB)
    Sub(RecvArguments),
    /// Distribute messages (PUSH)
    Push(SendArguments),
    /// Collect messages (PULL)
    Pull(RecvArguments),
    /// Send to the members of a group (RADIO)
    Radio(SendArguments),
    /// Receive the messages of groups (DISH)
    Dish(RecvArguments),
    /// Distribute messages of one part (SCATTER)
    Scatter(SendArguments),
    /// Collect messages of one part (GATHER)
    Gather(RecvArguments),
    /// Call a service of `tokio_zmtp::rpc`
    Call(CallArguments),
    /// Forward messages between two sockets
    Proxy(ProxyArguments),
    /// Find out what speaks at an endpoint, and why connections fail
    Monitor(MonitorArguments),
    /// Create keys and certificates of CURVE
    Keygen(KeygenArguments),
    /// Measure throughput and latency
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Watch the sockets, remotes and queues of programs
    Top(TopArguments),
}

/// Arguments with the type of the socket.
#[derive(Debug, clap::Args)]
pub(crate) struct Typed<A: clap::Args> {
    /// Type of the socket, such as push
    #[arg(short = 'T', long = "type", value_name = "TYPE", value_parser = socket_type)]
    socket_type: Option<SocketType>,
    #[command(flatten)]
    arguments: A,
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Send(typed) => {
                send::run(typed.arguments, typed.socket_type.unwrap_or(SocketType::Push)).await
            }
            Self::Recv(typed) => {
                recv::run(typed.arguments, typed.socket_type.unwrap_or(SocketType::Pull)).await
            }
            Self::Pub(arguments) => send::run(arguments, SocketType::Pub).await,
            Self::Sub(arguments) => recv::run(arguments, SocketType::Sub).await,
            Self::Push(arguments) => send::run(arguments, SocketType::Push).await,
            Self::Pull(arguments) => recv::run(arguments, SocketType::Pull).await,
            Self::Radio(arguments) => send::run(arguments, SocketType::Radio).await,
            Self::Dish(arguments) => recv::run(arguments, SocketType::Dish).await,
            Self::Scatter(arguments) => send::run(arguments, SocketType::Scatter).await,
            Self::Gather(arguments) => recv::run(arguments, SocketType::Gather).await,
            Self::Call(arguments) => call::run(arguments).await,
            Self::Proxy(arguments) => proxy::run(arguments).await,
            Self::Monitor(arguments) => monitor::run(arguments).await,
            Self::Keygen(arguments) => keygen::run(&arguments),
            Self::Bench(command) => bench::run(command).await,
            Self::Top(arguments) => top::run(arguments).await,
        }
    }
}

pub(crate) fn socket_type(text: &str) -> Result<SocketType, String> {
    text.to_uppercase()
        .parse()
        .map_err(|_| "it is not a socket type such as push, pull, pub, sub, req or rep".to_owned())
}
