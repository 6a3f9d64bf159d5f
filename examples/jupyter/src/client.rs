//! Requests to a kernel.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{signal, time};

use crate::connection_file::{ConnectionFile, KernelSocket};
use crate::iopub::{Iopub, Publication, Published};
use crate::signed_dealer::{Session, SignedDealer, SocketError};
use crate::terminal::Terminal;
use crate::wire::Message;

/// A client of one kernel.
///
/// The values of cells arrive with the replies. Text that cells print does not: the kernel
/// publishes it, on [`KernelSocket::Iopub`].
pub(crate) struct KernelClient {
    iopub: Iopub,
    shell: SignedDealer,
    stdin: SignedDealer,
    control: SignedDealer,
}

/// The content of the reply to `kernel_info_request`.
#[derive(Deserialize)]
pub(crate) struct KernelInfo {
    pub(crate) implementation: String,
    pub(crate) implementation_version: String,
}

/// The content of the reply to `execute_request`.
#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum ExecuteReply {
    Ok { user_expressions: HashMap<String, Expression> },
    Error { traceback: Vec<String> },
    Aborted,
}

/// The value of an expression that was evaluated after a cell, in several formats.
#[derive(Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Expression {
    Ok { data: HashMap<String, Value> },
    Error { evalue: String },
}

#[derive(Deserialize)]
struct InputRequest {
    prompt: String,
}

/// The outcome of a cell.
pub(crate) enum Outcome {
    /// The text of its value, if it has one.
    Done(Option<String>),
    /// The lines that describe its error.
    Failed(Vec<String>),
}

impl KernelClient {
    pub(crate) async fn connect(connection: &ConnectionFile) -> Result<Self, ClientError> {
        let session = Session::new(connection);
        let open = |kind| SignedDealer::connect(connection, kind, session.clone());
        let (iopub, shell, stdin, control) = tokio::try_join!(
            Iopub::connect(connection, Arc::clone(&session)),
            open(KernelSocket::Shell),
            open(KernelSocket::Stdin),
            open(KernelSocket::Control),
        )?;
        Ok(Self { iopub, shell, stdin, control })
    }

    /// Waits until the kernel is ready, and returns its description.
    pub(crate) async fn kernel_info(&self) -> Result<KernelInfo, ClientError> {
        let reply = loop {
            let id = self.shell.send("kernel_info_request", json!({})).await?;
            let reply = self.shell.recv_reply(&id).await?;
            // The kernel publishes its status for every request. It publishes nothing for this
            // client before the subscription has arrived.
            if let Ok(published) = time::timeout(PUBLICATION_LIMIT, self.iopub.recv()).await {
                published?;
                break reply;
            }
        };
        // The kernel drops what it sends to unknown identities.
        self.stdin.connected().await?;
        Ok(reply.into_content().map_err(SocketError::from)?)
    }

    /// Executes a cell, and shows the text that it prints. Reads lines from the terminal if the
    /// cell asks for input, and interrupts the cell on Ctrl-C.
    pub(crate) async fn execute(
        &self,
        code: &str,
        terminal: &mut Terminal,
    ) -> Result<Outcome, ClientError> {
        let expressions = json!({ VALUE: LATEST_VALUE });
        let request = json!({
            "code": code,
            "silent": false,
            "store_history": true,
            "user_expressions": expressions,
            "allow_stdin": true,
            "stop_on_error": true,
        });
        let id = self.shell.send("execute_request", request).await?;
        let mut interrupt = pin!(signal::ctrl_c());
        let (mut is_asking, mut is_idle) = (false, false);
        loop {
            tokio::select! {
                // From the first poll on, Ctrl-C no longer ends this program.
                biased;
                result = &mut interrupt => {
                    result?;
                    interrupt.set(signal::ctrl_c());
                    self.interrupt().await?;
                }
                published = self.iopub.recv() => {
                    is_idle |= show(&published?, &id)?;
                }
                reply = self.shell.recv_reply(&id) => {
                    // The sockets are independent: text of the cell may arrive after the reply.
                    while !is_idle {
                        is_idle = show(&self.iopub.recv().await?, &id)?;
                    }
                    return outcome(reply?);
                }
                request = self.stdin.recv() => {
                    let request: InputRequest = request?.into_content().map_err(SocketError::from)?;
                    terminal.show_prompt(&request.prompt)?;
                    is_asking = true;
                }
                line = terminal.read_line(), if is_asking => {
                    is_asking = false;
                    // In Python this character means the end of the input.
                    let line = line.unwrap_or_else(|| "\x04".to_owned());
                    self.stdin.send("input_reply", json!({ "value": line })).await?;
                }
            }
        }
    }

    /// Ends the kernel.
    pub(crate) async fn shut_down(&self) -> Result<(), ClientError> {
        self.control("shutdown_request", json!({ "restart": false })).await
    }

    async fn interrupt(&self) -> Result<(), ClientError> {
        self.control("interrupt_request", json!({})).await
    }

    /// Sends a request that the kernel handles even while it executes a cell.
    async fn control(&self, msg_type: &str, content: Value) -> Result<(), ClientError> {
        let id = self.control.send(msg_type, content).await?;
        self.control.recv_reply(&id).await?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error(transparent)]
    Dealer(#[from] SocketError),
    #[error("the kernel has not executed the cell")]
    Aborted,
    #[error("the value of the cell is not available: {0}")]
    Value(String),
    #[error("the terminal failed")]
    Terminal(#[from] io::Error),
}

/// Shows published text that a request has caused. Returns whether no more follows.
fn show(Publication { parent_id, content }: &Publication, id: &str) -> io::Result<bool> {
    if parent_id.as_deref() != Some(id) {
        return Ok(false);
    }
    match content {
        Published::Text(stream) => stream.show().map(|()| false),
        Published::Idle => Ok(true),
        Published::Other => Ok(false),
    }
}

fn outcome(reply: Message) -> Result<Outcome, ClientError> {
    let reply: ExecuteReply = reply.into_content().map_err(SocketError::from)?;
    match reply {
        ExecuteReply::Ok { mut user_expressions } => match user_expressions.remove(VALUE) {
            None => Ok(Outcome::Done(None)),
            Some(Expression::Ok { data }) => {
                let text = data.get("text/plain").and_then(Value::as_str);
                // Like Python's prompt, which does not print it.
                Ok(Outcome::Done(text.filter(|text| *text != "None").map(str::to_owned)))
            }
            Some(Expression::Error { evalue }) => Err(ClientError::Value(evalue)),
        },
        ExecuteReply::Error { traceback } => Ok(Outcome::Failed(traceback)),
        ExecuteReply::Aborted => Err(ClientError::Aborted),
    }
}

/// The time after a reply within which a published message is expected.
const PUBLICATION_LIMIT: Duration = Duration::from_millis(100);

/// The name of the expression that is evaluated after a cell.
const VALUE: &str = "value";

/// `Out` has the values of cells, by the number of the cell. The kernel has incremented the number
/// of the next cell before it evaluates this.
const LATEST_VALUE: &str = "Out.get(get_ipython().execution_count - 1)";
