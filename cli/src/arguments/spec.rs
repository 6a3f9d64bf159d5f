//! A socket in one argument: its type and its endpoints.

use std::str::FromStr;

use serde::Deserialize as _;
use tokio_zmtp::SocketType;
use tokio_zmtp::config::SocketConfig;
use toml::{Table, Value};

use super::{options, socket};
use crate::exit::Failure;
use crate::socket::name_of;

/// `TYPE=[@]ENDPOINT,..`, such as `router=@tcp://*:5555`. Endpoints after `@` are bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketSpec {
    socket_type: SocketType,
    bind: Vec<String>,
    connect: Vec<String>,
}

impl SocketSpec {
    /// Returns the description of the socket, with these options. A SUB subscribes to all topics,
    /// unless an option subscribes.
    pub(crate) fn config(&self, options: &[String]) -> Result<SocketConfig, Failure> {
        let mut table = Table::new();
        table.insert("type".to_owned(), name_of(self.socket_type).into());
        for (key, endpoints) in [("bind", &self.bind), ("connect", &self.connect)] {
            endpoints.iter().try_for_each(|text| socket::check(text))?;
            let endpoints = endpoints.iter().map(|text| Value::from(text.clone()));
            table.insert(key.to_owned(), endpoints.collect::<Vec<_>>().into());
        }
        if self.socket_type == SocketType::Sub {
            table.insert("subscribe".to_owned(), "".into());
        }
        options.iter().try_for_each(|option| options::set(&mut table, option))?;
        SocketConfig::deserialize(table)
            .map_err(|error| Failure::usage(error.message().trim().to_owned()))
    }
}

impl FromStr for SocketSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let missing = || "write a type and its endpoints, such as router=@tcp://*:5555".to_owned();
        let (name, endpoints) = text.split_once('=').ok_or_else(missing)?;
        let socket_type = name.to_uppercase().parse();
        let socket_type =
            socket_type.map_err(|_| format!("`{name}` is not a socket type such as router"))?;
        let (mut bind, mut connect) = (Vec::new(), Vec::new());
        for endpoint in endpoints.split(',').filter(|endpoint| !endpoint.is_empty()) {
            match endpoint.strip_prefix('@') {
                Some(endpoint) => bind.push(endpoint.to_owned()),
                None => connect.push(endpoint.to_owned()),
            }
        }
        if bind.is_empty() && connect.is_empty() {
            return Err(missing());
        }
        Ok(Self { socket_type, bind, connect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_after_an_at_sign_are_bound() {
        let spec: SocketSpec = "router=@tcp://*:5555,tcp://host:1,@ipc:///tmp/a".parse().unwrap();
        assert_eq!(spec.socket_type, SocketType::Router);
        assert_eq!(spec.bind, ["tcp://*:5555", "ipc:///tmp/a"]);
        assert_eq!(spec.connect, ["tcp://host:1"]);
    }

    #[test]
    fn a_socket_without_a_type_or_an_endpoint_is_not_valid() {
        for text in ["tcp://host:1", "router", "router=", "unknown=tcp://host:1"] {
            assert!(text.parse::<SocketSpec>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_sub_subscribes_to_all_topics_unless_an_option_names_some() {
        let spec: SocketSpec = "sub=tcp://host:1".parse().unwrap();
        let subscribe = |options: &[String]| match spec.config(options) {
            Ok(SocketConfig::Sub(config)) => {
                config.subscribe.iter().map(|topic| topic.as_bytes().to_vec()).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(subscribe(&[]), [b"".to_vec()]);
        assert_eq!(subscribe(&["subscribe=\"a\"".to_owned()]), [b"a".to_vec()]);
    }
}
