//! The result of a probe, for people and as JSON.

use serde_json::{Map, Value, json};
use tokio_zmtp::Endpoint;
use tokio_zmtp::probe::{ProbeOutcome, Probed};

use crate::exit::with_sources;
use crate::output::format::{escaped, json_part};

/// What a remote announced.
pub(super) struct Report<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) probed: &'a Probed,
}

impl Report<'_> {
    pub(super) fn write(&self, json: bool, buffer: &mut Vec<u8>) {
        let text = if json { format!("{}\n", self.json()) } else { self.text() };
        buffer.extend_from_slice(text.as_bytes());
    }

    fn text(&self) -> String {
        let Probed { address, version: (major, minor), mechanism, as_server, .. } = self.probed;
        let mut text = self.endpoint.to_string();
        if let Some(address) = address {
            // The address of a name.
            if !text.contains(&address.to_string()) {
                text.push_str(&format!(" ({address})"));
            }
        }
        text.push('\n');
        let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:<11} {value}\n"));
        row("protocol", &format!("ZMTP {major}.{minor}"));
        row("mechanism", &format!("{mechanism}{}", if *as_server { ", server" } else { "" }));
        match &self.probed.outcome {
            ProbeOutcome::Announced { socket_type, properties, .. } => {
                let socket_type = socket_type.map_or("not announced", |one| one.as_str());
                row("type", socket_type);
                for (name, value) in properties {
                    if !name.eq_ignore_ascii_case("Socket-Type") && !value.is_empty() {
                        row(&escaped(name.as_bytes()), &escaped(value));
                    }
                }
            }
            outcome => row("status", self.status(outcome)),
        }
        text
    }

    /// What is known besides the greeting.
    fn status(&self, outcome: &ProbeOutcome) -> &'static str {
        match outcome {
            ProbeOutcome::CredentialsRequired if self.probed.mechanism == "CURVE" => {
                "the type is encrypted; check a key with --curve-server-key"
            }
            ProbeOutcome::CredentialsRequired if self.probed.mechanism == "PLAIN" => {
                "needs a password; check one with --username and --password-file"
            }
            ProbeOutcome::CredentialsRequired => "an unknown mechanism",
            ProbeOutcome::Failed(_) => "refused",
            ProbeOutcome::Waiting => {
                "waits for the type of this end; find out more with --join-as TYPE"
            }
            ProbeOutcome::Welcomed if self.probed.mechanism == "CURVE" => {
                "has the key of --curve-server-key; whether it admits a client is found out with --join-as TYPE"
            }
            ProbeOutcome::Welcomed => "accepts the password",
            _ => "unknown",
        }
    }

    fn json(&self) -> Value {
        let Probed { address, version: (major, minor), mechanism, as_server, .. } = self.probed;
        let mut object = json!({
            "endpoint": self.endpoint.to_string(),
            "address": address.map(|address| address.to_string()),
            "version": format!("{major}.{minor}"),
            "mechanism": mechanism,
            "as_server": as_server,
        });
        let outcome = match &self.probed.outcome {
            ProbeOutcome::Announced { socket_type, properties, .. } => {
                object["type"] = socket_type.map(|one| one.as_str()).into();
                let properties =
                    properties.iter().map(|(name, value)| (name.clone(), json_part(value)));
                object["properties"] = Value::Object(properties.collect::<Map<_, _>>());
                "announced"
            }
            ProbeOutcome::CredentialsRequired => "credentials_required",
            ProbeOutcome::Failed(reason) => {
                object["reason"] = with_sources(reason).into();
                "failed"
            }
            ProbeOutcome::Waiting => "waiting",
            ProbeOutcome::Welcomed => "welcomed",
            _ => "unknown",
        };
        object["outcome"] = outcome.into();
        object
    }
}
