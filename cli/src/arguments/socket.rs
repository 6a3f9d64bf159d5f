//! What describes a socket: endpoints, identity, subscriptions, groups, security and options.

use std::time::Duration;

use clap::Args;
use serde::Deserialize as _;
use tokio_zmtp::config::{AnySocket, SocketConfig};
use tokio_zmtp::monitor::Monitor;
use tokio_zmtp::{Endpoint, SocketType};
use toml::{Table, Value};

use super::admission::Admitted;
use super::{Contexts, SecurityArguments, options, time};
use crate::exit::{Failure, with_sources};
use crate::socket::{Open, name_of, refused};

/// The arguments that every command with a socket has.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Socket")]
pub(crate) struct SocketArguments {
    /// Bind to an endpoint, such as tcp://*:5555. Any number of times
    #[arg(short, long, value_name = "ENDPOINT")]
    bind: Vec<String>,
    /// Connect to an endpoint, such as tcp://localhost:5555. Any number of times
    #[arg(short, long, value_name = "ENDPOINT")]
    connect: Vec<String>,
    /// Identity of the socket, by which a ROUTER addresses it
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// Subscribe to a topic (SUB, XSUB). Any number of times
    #[arg(short, long, value_name = "TOPIC")]
    subscribe: Vec<String>,
    /// Join a group (DISH). Any number of times
    #[arg(short, long, value_name = "GROUP")]
    join: Vec<String>,
    /// Set an option of the library, such as linger=5s or send_hwm=100. NAME=@FILE reads the value
    /// from a file, which hides a secret from other users. Any number of times
    #[arg(short, long, value_name = "NAME=VALUE")]
    option: Vec<String>,
    /// Time limit of each wait for a connection, for queue capacity or for a message, such as
    /// 500ms; a number without a unit means seconds. Default: none, except 2s for monitor and 10s
    /// for bench latency. Only the option linger limits the writing of accepted messages at the end
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    pub(crate) timeout: Option<Duration>,
    /// Use the endpoints, keys and options of a context: see `zmtp context --help`
    #[arg(long, value_name = "NAME", env = "ZMTP_CONTEXT")]
    context: Option<String>,
    #[command(flatten)]
    security: SecurityArguments,
}

impl SocketArguments {
    /// Takes the endpoint from the first of the other arguments if there is no other one. A leading
    /// `@` binds.
    pub(crate) fn take_endpoint(&mut self, others: &mut Vec<String>) -> Result<(), Failure> {
        let context = self.context()?;
        let has_endpoint = ["bind", "connect", "connect_all"]
            .iter()
            .any(|key| context.get(*key).is_some_and(|list| list.as_array() != Some(&Vec::new())));
        if !self.bind.is_empty() || !self.connect.is_empty() || has_endpoint {
            return Ok(());
        }
        if others.is_empty() {
            return Err(Failure::usage("no endpoint").hint(
                "name one to connect to, such as tcp://localhost:5555, or one to bind with --bind",
            ));
        }
        let endpoint = others.remove(0);
        match endpoint.strip_prefix('@') {
            Some(endpoint) => self.bind.push(endpoint.to_owned()),
            None => self.connect.push(endpoint),
        }
        Ok(())
    }

    /// Takes the endpoint like [`take_endpoint`](Self::take_endpoint), and refuses a second one,
    /// which would become a part of a message.
    pub(crate) fn take_endpoint_before_parts(
        &mut self,
        parts: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let given = parts.len();
        self.take_endpoint(parts)?;
        let is_taken = parts.len() < given;
        let second = parts.first().filter(|text| {
            let text = text.strip_prefix('@').unwrap_or(text);
            is_taken && text.contains("://") && text.parse::<Endpoint>().is_ok()
        });
        match second {
            None => Ok(()),
            Some(second) => Err(Failure::usage(format!("`{second}`: a second endpoint")).hint(
                "name several endpoints with --connect or --bind; then each of the other arguments is \
                 a part",
            )),
        }
    }

    /// Uses names as topics of a SUB or XSUB, or as groups of a DISH.
    pub(crate) fn select(
        &mut self,
        socket_type: SocketType,
        names: Vec<String>,
    ) -> Result<(), Failure> {
        let of_context = self.context()?;
        match socket_type {
            SocketType::Sub | SocketType::Xsub => {
                self.subscribe.extend(names);
                // Without a topic, all messages: without a subscription none would arrive.
                if self.subscribe.is_empty() && !of_context.contains_key("subscribe") {
                    self.subscribe.push(String::new());
                }
            }
            SocketType::Dish => {
                self.join.extend(names);
                if self.join.is_empty() && !of_context.contains_key("join") {
                    let failure = Failure::usage("a DISH receives the messages of groups");
                    return Err(failure.hint("name one with --join"));
                }
            }
            _ => {
                if let Some(name) = names.first() {
                    return Err(Failure::usage(format!("`{name}`: a {socket_type} has no topics"))
                        .hint(
                            "quote the endpoint, and name further ones with --connect or --bind",
                        ));
                }
            }
        }
        Ok(())
    }

    /// Subscribes to topics besides those of the option.
    pub(crate) fn subscribe_to(&mut self, topics: impl IntoIterator<Item = String>) {
        self.subscribe.extend(topics);
    }

    /// Returns whether the option subscribes to a topic.
    pub(crate) fn has_subscriptions(&self) -> bool {
        !self.subscribe.is_empty()
    }

    /// Has a PUB or XPUB report each subscription as an event.
    pub(crate) fn report_subscriptions(&mut self) {
        self.option.push("subscription_events=true".to_owned());
    }

    /// Connects to one more endpoint.
    pub(crate) fn connect_to(&mut self, endpoint: String) {
        self.connect.push(endpoint);
    }

    /// Returns the type of the socket: that of the command line, else that of the context.
    pub(crate) fn type_or(
        &self,
        socket_type: Option<SocketType>,
        default: SocketType,
    ) -> Result<SocketType, Failure> {
        if let Some(socket_type) = socket_type {
            return Ok(socket_type);
        }
        let context = self.context()?;
        let name = context.get("type").and_then(Value::as_str);
        Ok(name.and_then(|name| name.to_uppercase().parse().ok()).unwrap_or(default))
    }

    /// Returns the keys of the context, or none.
    fn context(&self) -> Result<Table, Failure> {
        match &self.context {
            Some(name) => Contexts::load()?.get(name).cloned(),
            None => Ok(Table::new()),
        }
    }

    /// Returns these arguments as a context.
    pub(crate) fn to_context(&self) -> Result<Table, Failure> {
        self.security.check_for_context()?;
        let mut table = self.context()?;
        self.apply(&mut table)?;
        Ok(table)
    }

    /// Returns the description of a socket of this type.
    pub(crate) fn config(&self, socket_type: SocketType) -> Result<SocketConfig, Failure> {
        self.describe(socket_type).map(|(config, _)| config)
    }

    /// Returns the description of a socket of this type, and the clients that it admits.
    fn describe(
        &self,
        socket_type: SocketType,
    ) -> Result<(SocketConfig, Option<Admitted>), Failure> {
        let mut table = Table::new();
        table.insert("type".to_owned(), name_of(socket_type).into());
        // A message is accepted only when there is a connection: the program could not write it
        // otherwise before it ends.
        table.insert("immediate".to_owned(), true.into());
        options::extend(&mut table, self.context()?)?;
        self.apply(&mut table)?;
        let admitted = self.security.admitted(&table)?;
        let config = SocketConfig::deserialize(table)
            .map_err(|error| Failure::usage(error.message().trim().to_owned()))?;
        Ok((config, admitted))
    }

    /// Sets the keys of these arguments.
    fn apply(&self, table: &mut Table) -> Result<(), Failure> {
        if !self.bind.is_empty() || !self.connect.is_empty() {
            table.retain(|key, _| !matches!(key, "bind" | "connect" | "connect_all"));
            for (key, endpoints) in [("bind", &self.bind), ("connect", &self.connect)] {
                endpoints.iter().try_for_each(|text| check(text))?;
                table.insert(key.to_owned(), list(endpoints));
            }
        }
        if let Some(identity) = &self.identity {
            table.insert("identity".to_owned(), identity.clone().into());
        }
        for (key, names) in [("subscribe", &self.subscribe), ("join", &self.join)] {
            if !names.is_empty() {
                table.insert(key.to_owned(), list(names));
            }
        }
        self.security.apply(table)?;
        self.option.iter().try_for_each(|option| options::set(table, option))
    }

    /// Starts a socket of this type.
    pub(crate) async fn start(
        &self,
        socket_type: SocketType,
    ) -> Result<(AnySocket, Monitor), Failure> {
        let (config, admitted) = self.describe(socket_type)?;
        let started = match admitted {
            Some(admitted) => config.start_with_authenticator(admitted).await,
            None => config.start_with_monitor().await,
        };
        started.map_err(refused)
    }

    /// Starts a socket of this type, and watches its events.
    pub(crate) async fn open(&self, socket_type: SocketType) -> Result<Open, Failure> {
        let (socket, monitor) = self.start(socket_type).await?;
        Ok(Open::new(socket, monitor))
    }

    /// Waits for a future for the time of `--timeout`.
    pub(crate) async fn in_time<T>(
        &self,
        open: &Open,
        awaited: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.in_time_or(open, || awaited.to_owned(), work).await
    }

    /// Waits like [`in_time`](Self::in_time), and determines afterwards what was missing.
    pub(crate) async fn in_time_or<T>(
        &self,
        open: &Open,
        awaited: impl FnOnce() -> String,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(limit) = self.timeout else { return work.await };
        let Ok(done) = tokio::time::timeout(limit, work).await else {
            return Err(open.watch.timed_out(&format!("no {} within {limit:?}", awaited())));
        };
        done
    }
}

/// Checks an endpoint before anything is bound or connected.
pub(crate) fn check(text: &str) -> Result<(), Failure> {
    let error = match text.parse::<Endpoint>() {
        Ok(Endpoint::Inproc(_)) => {
            let failure = Failure::usage(format!("{text}: inproc is for sockets of one process"));
            return Err(failure.hint("write ipc://PATH"));
        }
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if text.contains("://") {
        return Err(Failure::usage(with_sources(&error)));
    }
    let failure = Failure::usage(format!("`{text}` is not an endpoint: it has no transport"));
    let address = TRANSPORTS.iter().find_map(|name| {
        let address = text.strip_prefix(name)?.strip_prefix(':')?;
        Some((name, if *name == "ipc" { address } else { address.trim_start_matches('/') }))
    });
    Err(failure.hint(if let Some((name, address)) = address {
        format!("write {name}://{address}")
    } else if text.contains(':') {
        format!("write tcp://{text}")
    } else {
        "write tcp://HOST:PORT or ipc://PATH".to_owned()
    }))
}

/// The transports that an endpoint of the command line can have.
const TRANSPORTS: &[&str] = &["tcp", "ipc", "tls", "ws", "wss", "udp"];

fn list(texts: &[String]) -> Value {
    texts.iter().map(|text| Value::from(text.clone())).collect::<Vec<_>>().into()
}
