//! A Jupyter client: starts a Python kernel, executes cells and prints their text and values.
//!
//! ```sh
//! python3 -m pip install ipykernel
//! cargo run -p jupyter -- 'x = 6' 'x * 7'
//! cargo run -p jupyter -- --tcp --curve 'name = input("name? ")' 'name.upper()'
//! ```
//!
//! A kernel binds five sockets, which the [connection file](connection_file) describes. A
//! [client] connects three DEALERs to its ROUTERs, a SUB to the XPUB on which it [publishes](iopub)
//! the text that cells print, and a REQ to the echo of its [heartbeat]. The [messages](wire) are
//! JSON and [signed](signature). Cells that ask for input read it from the [terminal], and Ctrl-C
//! interrupts a cell.
//!
//! The program succeeds if all cells do. It ends with code 1 after the first cell that fails, and
//! with code 2 if the kernel fails.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod client;
mod connection_file;
mod heartbeat;
mod iopub;
mod kernel;
mod random;
mod signature;
mod signed_dealer;
mod terminal;
mod wire;

use std::env;
use std::error::Error;
use std::iter;
use std::process::ExitCode;

use self::client::{KernelClient, Outcome};
use self::connection_file::Transport;
use self::heartbeat::Heartbeat;
use self::kernel::Kernel;
use self::terminal::Terminal;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(arguments) = Arguments::parse(env::args().skip(1)) else {
        eprintln!("usage: jupyter [--curve] [--tcp] CELL...");
        return ExitCode::from(2);
    };
    match run(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let causes = iter::successors(error.source(), |cause| (*cause).source());
            let causes: String = causes.map(|cause| format!(": {cause}")).collect();
            eprintln!("jupyter: {error}{causes}");
            ExitCode::from(2)
        }
    }
}

/// Executes all cells in a new kernel. Returns whether none failed.
async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut kernel = Kernel::start(arguments.transport, arguments.is_encrypted).await?;
    let client = KernelClient::connect(&kernel.connection).await?;
    let heartbeat = Heartbeat::connect(&kernel.connection).await?;
    tokio::select! {
        result = ready(&client, &heartbeat) => result?,
        error = kernel.ended() => return Err(error.into()),
    }
    let have_succeeded = tokio::select! {
        result = execute(&client, &arguments.cells) => result?,
        error = heartbeat.watch() => return Err(error.into()),
        error = kernel.ended() => return Err(error.into()),
    };
    tokio::select! {
        result = client.shut_down() => result?,
        // A cell can also end the kernel.
        _ = kernel.ended() => {}
    }
    kernel.finish().await?;
    Ok(have_succeeded)
}

/// Waits until the kernel answers on all sockets.
async fn ready(client: &KernelClient, heartbeat: &Heartbeat) -> Result<(), Box<dyn Error>> {
    let info = client.kernel_info().await?;
    eprintln!("kernel: {} {}", info.implementation, info.implementation_version);
    Ok(heartbeat.beat().await?)
}

/// Executes cells one after the other, until one fails. Returns whether none did.
async fn execute(client: &KernelClient, cells: &[String]) -> Result<bool, Box<dyn Error>> {
    let mut terminal = Terminal::default();
    for cell in cells {
        match client.execute(cell, &mut terminal).await? {
            Outcome::Done(Some(value)) => println!("{value}"),
            Outcome::Done(None) => {}
            Outcome::Failed(traceback) => {
                eprintln!("{}", traceback.join("\n"));
                return Ok(false);
            }
        }
    }
    Ok(true)
}

struct Arguments {
    transport: Transport,
    is_encrypted: bool,
    cells: Vec<String>,
}

impl Arguments {
    fn parse(arguments: impl Iterator<Item = String>) -> Option<Self> {
        // Over `ipc`, no other user of the machine can connect to the kernel.
        let transport = if cfg!(unix) { Transport::Ipc } else { Transport::Tcp };
        let mut parsed = Self { transport, is_encrypted: false, cells: Vec::new() };
        for argument in arguments {
            match argument.as_str() {
                "--curve" => parsed.is_encrypted = true,
                "--tcp" => parsed.transport = Transport::Tcp,
                _ => parsed.cells.push(argument),
            }
        }
        (!parsed.cells.is_empty()).then_some(parsed)
    }
}
