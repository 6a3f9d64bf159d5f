//! `zmtp completions` and `zmtp man`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Command to describe. Default: `zmtp` itself
    command: Option<String>,
    /// Write a page for each command to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    directory: Option<PathBuf>,
}

/// Writes the completions of a shell.
pub(crate) fn completions(
    arguments: &CompletionsArguments,
    mut command: Command,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "zmtp", &mut text);
    Ok(std::io::stdout().write_all(&text)?)
}

/// Writes manual pages.
pub(crate) fn man(arguments: &ManArguments, mut command: Command) -> Result<(), Failure> {
    command.build();
    if let Some(directory) = &arguments.directory {
        return write_all(&command, "zmtp", directory);
    }
    let page = match &arguments.command {
        None => page(&command, "zmtp")?,
        Some(name) => {
            let unknown = || Failure::usage(format!("`{name}` is not a command of zmtp"));
            let subcommand = command.find_subcommand(name).ok_or_else(unknown)?;
            page(subcommand, &format!("zmtp-{name}"))?
        }
    };
    Ok(std::io::stdout().write_all(&page)?)
}

fn write_all(command: &Command, name: &str, directory: &Path) -> Result<(), Failure> {
    let path = directory.join(format!("{name}.1"));
    let written =
        fs::create_dir_all(directory).and_then(|()| fs::write(&path, page(command, name)?));
    written.map_err(|error| Failure::new(Exit::Failure, format!("{}: {error}", path.display())))?;
    command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help").try_for_each(
        |subcommand| write_all(subcommand, &format!("{name}-{}", subcommand.get_name()), directory),
    )
}

fn page(command: &Command, name: &str) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).title(name.to_uppercase()).render(&mut page)?;
    Ok(page)
}
