//! The commands, one file or folder for each.

mod bench;
mod call;
mod context;
mod documents;
mod examples;
mod exchange;
mod keygen;
mod monitor;
mod options;
mod proxy;
mod recv;
mod relevance;
mod reply;
mod request;
mod send;
mod top;

use clap::{Args, CommandFactory, Subcommand};
use tokio_zmtp::SocketType;

use self::bench::BenchCommand;
use self::call::CallArguments;
use self::context::ContextArguments;
use self::documents::{CompletionsArguments, ManArguments};
use self::exchange::ExchangeArguments;
use self::keygen::KeygenArguments;
use self::monitor::MonitorArguments;
use self::options::OptionsArguments;
use self::proxy::ProxyArguments;
use self::recv::RecvArguments;
pub(crate) use self::relevance::hide_others;
use self::reply::ReplyArguments;
use self::request::RequestArguments;
use self::send::SendArguments;
use self::top::TopArguments;
use crate::CommandLine;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send messages with a socket of any type, by default PUSH
    #[command(after_help = examples::SEND)]
    Send(Typed<SendArguments>),
    /// Receive messages with a socket of any type, by default PULL
    #[command(after_help = examples::RECV)]
    Recv(Typed<RecvArguments>),
    /// Send requests and show the replies, by default with REQ
    #[command(after_help = examples::REQUEST)]
    Request(Typed<RequestArguments>),
    /// Reply to requests, by default with REP
    #[command(after_help = examples::REPLY)]
    Reply(Typed<ReplyArguments>),
    /// Publish messages (PUB)
    #[command(after_help = examples::PUB)]
    Pub(SendArguments),
    /// Show the messages of publishers (SUB)
    #[command(after_help = examples::SUB)]
    Sub(RecvArguments),
    /// Distribute messages (PUSH)
    #[command(after_help = examples::SEND)]
    Push(SendArguments),
    /// Collect messages (PULL)
    #[command(after_help = examples::RECV)]
    Pull(RecvArguments),
    /// Send requests and show the replies (REQ)
    #[command(after_help = examples::REQUEST)]
    Req(RequestArguments),
    /// Reply to requests (REP)
    #[command(after_help = examples::REPLY)]
    Rep(ReplyArguments),
    /// Send and receive in any order (DEALER)
    #[command(after_help = examples::DEALER)]
    Dealer(ExchangeArguments),
    /// Exchange messages with remotes selected by identity (ROUTER)
    #[command(after_help = examples::ROUTER)]
    Router(ExchangeArguments),
    /// Send to one remote and receive from it (PAIR)
    #[command(after_help = examples::PAIR)]
    Pair(ExchangeArguments),
    /// Send and receive messages of one part (CLIENT)
    #[command(after_help = examples::CLIENT)]
    Client(ExchangeArguments),
    /// Exchange messages of one part with remotes selected by routing id (SERVER)
    #[command(after_help = examples::CLIENT)]
    Server(ExchangeArguments),
    /// Exchange messages of one part with remotes selected by routing id (PEER)
    #[command(after_help = examples::PEER)]
    Peer(ExchangeArguments),
    /// Send messages of one part to one remote, and receive from it (CHANNEL)
    #[command(after_help = examples::CHANNEL)]
    Channel(ExchangeArguments),
    /// Send to the members of a group (RADIO)
    #[command(after_help = examples::RADIO)]
    Radio(SendArguments),
    /// Show the messages of groups (DISH)
    #[command(after_help = examples::RADIO)]
    Dish(RecvArguments),
    /// Distribute messages of one part (SCATTER)
    #[command(after_help = examples::SCATTER)]
    Scatter(SendArguments),
    /// Collect messages of one part (GATHER)
    #[command(after_help = examples::SCATTER)]
    Gather(RecvArguments),
    /// Publish messages, and show subscriptions (XPUB)
    #[command(after_help = examples::XPUB)]
    Xpub(ExchangeArguments),
    /// Show the messages of publishers, and send messages to them (XSUB)
    #[command(after_help = examples::XPUB)]
    Xsub(ExchangeArguments),
    /// Call a service of `tokio_zmtp::rpc`
    Call(CallArguments),
    /// Forward messages between two sockets
    Proxy(ProxyArguments),
    /// Show the protocol, mechanism and socket type of a remote, and why connections fail
    Monitor(MonitorArguments),
    /// Create keys and certificates of CURVE
    Keygen(KeygenArguments),
    /// Measure throughput and latency
    #[command(subcommand, after_help = examples::BENCH)]
    Bench(BenchCommand),
    /// Watch the sockets, remotes and queues of programs
    Top(TopArguments),
    /// List the options of a socket type for --option, with their defaults
    #[command(after_help = examples::OPTIONS)]
    Options(OptionsArguments),
    /// Manage named endpoints with keys and options
    #[command(after_help = examples::CONTEXT)]
    Context(ContextArguments),
    /// Write the completions of a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(CompletionsArguments),
    /// Write the manual page of a command
    #[command(after_help = examples::MAN)]
    Man(ManArguments),
}

/// Arguments with the type of the socket.
#[derive(Debug, Args)]
pub(crate) struct Typed<A: Args> {
    /// Type of the socket, such as push
    #[arg(short = 'T', long = "type", value_name = "TYPE", value_parser = socket_type)]
    socket_type: Option<SocketType>,
    #[command(flatten)]
    arguments: A,
}

impl Command {
    /// Carries out the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Send(Typed { socket_type, arguments }) => {
                let socket_type = arguments.socket.type_or(socket_type, SocketType::Push)?;
                send::run(arguments, socket_type).await
            }
            Self::Recv(Typed { socket_type, arguments }) => {
                let socket_type = arguments.socket.type_or(socket_type, SocketType::Pull)?;
                recv::run(arguments, socket_type).await
            }
            Self::Request(Typed { socket_type, arguments }) => {
                let socket_type = arguments.socket.type_or(socket_type, SocketType::Req)?;
                request::run(arguments, socket_type).await
            }
            Self::Reply(Typed { socket_type, arguments }) => {
                let socket_type = arguments.socket.type_or(socket_type, SocketType::Rep)?;
                reply::run(arguments, socket_type).await
            }
            Self::Pub(arguments) => send::run(arguments, SocketType::Pub).await,
            Self::Sub(arguments) => recv::run(arguments, SocketType::Sub).await,
            Self::Push(arguments) => send::run(arguments, SocketType::Push).await,
            Self::Pull(arguments) => recv::run(arguments, SocketType::Pull).await,
            Self::Req(arguments) => request::run(arguments, SocketType::Req).await,
            Self::Rep(arguments) => reply::run(arguments, SocketType::Rep).await,
            Self::Dealer(arguments) => exchange::run(arguments, SocketType::Dealer).await,
            Self::Router(arguments) => exchange::run(arguments, SocketType::Router).await,
            Self::Pair(arguments) => exchange::run(arguments, SocketType::Pair).await,
            Self::Client(arguments) => exchange::run(arguments, SocketType::Client).await,
            Self::Server(arguments) => exchange::run(arguments, SocketType::Server).await,
            Self::Peer(arguments) => exchange::run(arguments, SocketType::Peer).await,
            Self::Channel(arguments) => exchange::run(arguments, SocketType::Channel).await,
            Self::Radio(arguments) => send::run(arguments, SocketType::Radio).await,
            Self::Dish(arguments) => recv::run(arguments, SocketType::Dish).await,
            Self::Scatter(arguments) => send::run(arguments, SocketType::Scatter).await,
            Self::Gather(arguments) => recv::run(arguments, SocketType::Gather).await,
            Self::Xpub(arguments) => exchange::run(arguments, SocketType::Xpub).await,
            Self::Xsub(arguments) => exchange::run(arguments, SocketType::Xsub).await,
            Self::Call(arguments) => call::run(arguments).await,
            Self::Proxy(arguments) => proxy::run(arguments).await,
            Self::Monitor(arguments) => monitor::run(arguments).await,
            Self::Keygen(arguments) => keygen::run(&arguments),
            Self::Bench(command) => bench::run(command).await,
            Self::Top(arguments) => top::run(arguments).await,
            Self::Options(arguments) => options::run(&arguments),
            Self::Context(arguments) => context::run(arguments),
            Self::Completions(arguments) => {
                documents::completions(&arguments, hide_others(CommandLine::command()))
            }
            Self::Man(arguments) => documents::man(&arguments, hide_others(CommandLine::command())),
        }
    }
}

pub(crate) fn socket_type(text: &str) -> Result<SocketType, String> {
    text.to_uppercase()
        .parse()
        .map_err(|_| "it is not a socket type such as push, pull, pub, sub, req or rep".to_owned())
}
