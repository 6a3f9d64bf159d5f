//! What describes a socket: endpoints, identity, subscriptions, groups, security and options.

use std::time::Duration;

use clap::Args;
use serde::Deserialize as _;
use tokio_zmtp::config::SocketConfig;
use tokio_zmtp::{Endpoint, SocketType};
use toml::{Table, Value};

use super::{SecurityArguments, options, time};
use crate::exit::{Failure, with_sources};
use crate::socket::{Open, name_of};

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
    /// Identity of the socket, by which a ROUTER knows it
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// Subscribe to a topic (SUB, XSUB). Any number of times
    #[arg(short, long, value_name = "TOPIC")]
    subscribe: Vec<String>,
    /// Join a group (DISH). Any number of times
    #[arg(short, long, value_name = "GROUP")]
    join: Vec<String>,
    /// Set an option of the library, such as linger=5s or send_hwm=100. Any number of times
    #[arg(short, long, value_name = "NAME=VALUE")]
    option: Vec<String>,
    /// Limit of each wait: for a connection, for room to send, for a message
    #[arg(short, long, value_name = "TIME", value_parser = time)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    security: SecurityArguments,
}

impl SocketArguments {
    /// Takes the endpoint from the first of the other arguments if there is no other one. A leading
    /// `@` binds.
    pub(crate) fn take_endpoint(&mut self, others: &mut Vec<String>) -> Result<(), Failure> {
        if !self.bind.is_empty() || !self.connect.is_empty() {
            return Ok(());
        }
        if others.is_empty() {
            return Err(Failure::usage("no endpoint").hint(
                "name one to connect to, such as tcp://localhost:5555, or one to bind by --bind",
            ));
        }
        let endpoint = others.remove(0);
        match endpoint.strip_prefix('@') {
            Some(endpoint) => self.bind.push(endpoint.to_owned()),
            None => self.connect.push(endpoint),
        }
        Ok(())
    }

    /// Connects to one more endpoint.
    pub(crate) fn connect_to(&mut self, endpoint: String) {
        self.connect.push(endpoint);
    }

    /// Adds subscriptions to those of the option.
    pub(crate) fn subscribe_to(&mut self, topics: impl IntoIterator<Item = String>) {
        self.subscribe.extend(topics);
    }

    /// Returns whether there is a subscription.
    pub(crate) fn has_subscriptions(&self) -> bool {
        !self.subscribe.is_empty()
    }

    /// Adds groups to those of the option.
    pub(crate) fn join_to(&mut self, groups: impl IntoIterator<Item = String>) {
        self.join.extend(groups);
    }

    /// Returns whether there is a group.
    pub(crate) fn has_groups(&self) -> bool {
        !self.join.is_empty()
    }

    /// Returns the description of a socket of this type.
    pub(crate) fn config(&self, socket_type: SocketType) -> Result<SocketConfig, Failure> {
        let mut table = Table::new();
        table.insert("type".to_owned(), name_of(socket_type).into());
        for (key, endpoints) in [("bind", &self.bind), ("connect", &self.connect)] {
            endpoints.iter().try_for_each(|text| check(text))?;
            table.insert(key.to_owned(), list(endpoints));
        }
        if let Some(identity) = &self.identity {
            table.insert("identity".to_owned(), identity.clone().into());
        }
        for (key, names) in [("subscribe", &self.subscribe), ("join", &self.join)] {
            if !names.is_empty() {
                table.insert(key.to_owned(), list(names));
            }
        }
        self.security.apply(&mut table)?;
        self.option.iter().try_for_each(|option| options::set(&mut table, option))?;
        SocketConfig::deserialize(table)
            .map_err(|error| Failure::usage(error.message().trim().to_owned()))
    }

    /// Starts a socket of this type.
    pub(crate) async fn open(&self, socket_type: SocketType) -> Result<Open, Failure> {
        Open::start(&self.config(socket_type)?).await
    }

    /// Waits for a future for the time of `--timeout`.
    pub(crate) async fn in_time<T>(
        &self,
        open: &mut Open,
        awaited: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let watch = open.watch.clone();
        let work = open.unless_refused(work);
        match self.timeout {
            None => work.await,
            Some(limit) => match tokio::time::timeout(limit, work).await {
                Ok(done) => done,
                Err(_) => Err(watch.timed_out(&format!("no {awaited} within {limit:?}"))),
            },
        }
    }
}

/// Checks an endpoint before anything is bound or connected.
pub(super) fn check(text: &str) -> Result<(), Failure> {
    let Err(error) = text.parse::<Endpoint>() else { return Ok(()) };
    let failure = Failure::usage(with_sources(&error));
    Err(if text.contains("://") {
        failure
    } else {
        failure.hint(format!("an endpoint has a transport, such as tcp://{text}"))
    })
}

fn list(texts: &[String]) -> Value {
    texts.iter().map(|text| Value::from(text.clone())).collect::<Vec<_>>().into()
}
