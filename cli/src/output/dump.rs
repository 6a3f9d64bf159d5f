//! `--dump`: a directory with a file for each message.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure};

/// A directory in which each message becomes a file. Their names are numbers with leading zeros, so
/// that their order is that of the messages.
#[derive(Debug)]
pub(crate) struct Dump {
    directory: PathBuf,
    /// The number of the last file.
    last: u64,
}

impl Dump {
    /// Opens or creates the directory. Its numbers continue.
    pub(crate) fn open(directory: &Path) -> Result<Self, Failure> {
        if directory.exists() && !directory.is_dir() {
            return Err(Failure::usage(format!("{}: it is not a directory", directory.display())));
        }
        let opened = fs::create_dir_all(directory).and_then(|()| fs::read_dir(directory));
        let entries =
            opened.map_err(|error| Failure::usage(format!("{}: {error}", directory.display())))?;
        let number = |name: PathBuf| name.file_stem()?.to_str()?.parse::<u64>().ok();
        let last = entries.filter_map(|entry| number(entry.ok()?.path())).max().unwrap_or(0);
        Ok(Self { directory: directory.to_owned(), last })
    }

    /// Writes a message to the next file.
    pub(crate) fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.last += 1;
        let path = self.directory.join(format!("{:08}.json", self.last));
        let written = File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| unusable(&path, &error))
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Failure, format!("{}: {error}", path.display()))
}
