//! `zmtp keygen`: keys and certificates of CURVE.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tokio_zmtp::auth::{CurveCertificate, CurveKeypair, CurvePublicKey, CurveSecretKey};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure, with_sources};
use crate::output::{Stdout, notice};

#[derive(Clone, Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct KeygenArguments {
    /// Write two certificates: FILE with the public key, and FILE_secret with both keys, which on
    /// Unix only its owner can read. Without FILE, both keys are printed
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Add a name and a value to the metadata of the certificates. Any number of times
    #[arg(short, long, value_name = "NAME=VALUE", requires = "file")]
    metadata: Vec<String>,
    /// Replace existing files
    #[arg(short, long, requires = "file")]
    force: bool,
    /// Print the public key that belongs to a secret key: that of a file, or - for the standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    public: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "file")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  zmtp keygen                          print a new pair of keys
  zmtp keygen server.cert              write server.cert and server.cert_secret, in the format of CZMQ
  zmtp keygen alice.cert -m name=Alice
  zmtp keygen --public server.cert_secret

  zmtp pull @tcp://*:5555 --curve-server --secret-key server.cert_secret
  zmtp push tcp://localhost:5555 --curve-server-key server.cert hello";

pub(crate) fn run(arguments: &KeygenArguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.public {
        let public_key = public_key(&Zeroizing::new(read(path)?))?;
        let text = if arguments.json {
            json!({ "public_key": public_key.to_string() }).to_string()
        } else {
            public_key.to_string()
        };
        return print(&text);
    }
    let pair = CurveKeypair::generate();
    match &arguments.file {
        Some(path) => save(arguments, path, pair),
        None => {
            let (public_key, secret_key) = (pair.public_key(), pair.secret_key().to_text());
            print(&Zeroizing::new(if arguments.json {
                let public_key = public_key.to_string();
                json!({ "public_key": public_key, "secret_key": *secret_key }).to_string()
            } else {
                format!("public-key = \"{public_key}\"\nsecret-key = \"{}\"", *secret_key)
            }))
        }
    }
}

fn save(arguments: &KeygenArguments, path: &Path, pair: CurveKeypair) -> Result<(), Failure> {
    let mut secret = path.as_os_str().to_owned();
    secret.push("_secret");
    let secret = PathBuf::from(secret);
    if let Some(existing) = [path, &secret].into_iter().find(|path| path.exists()) {
        if !arguments.force {
            return Err(Failure::usage(format!("{} exists", existing.display()))
                .hint("replace it with --force: its keys are lost"));
        }
    }
    let mut certificate = CurveCertificate::from(pair);
    for entry in &arguments.metadata {
        let (name, value) = entry.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`--metadata {entry}` has no value")).hint("write NAME=VALUE")
        })?;
        certificate = certificate.with_metadata(name, value);
    }
    let failed =
        |error| Failure::new(Exit::Failure, format!("cannot write {}: {error}", path.display()));
    certificate.save(path).map_err(failed)?;
    notice::info(&format!("publish {}, and keep {} secret", path.display(), secret.display()));
    print(&certificate.public_key().to_string())
}

/// Finds the public key of a certificate, of a secret key, or of the output of this command.
fn public_key(text: &str) -> Result<CurvePublicKey, Failure> {
    if let Ok(certificate) = CurveCertificate::parse(text) {
        return Ok(certificate.public_key());
    }
    let assigned = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "secret-key").then(|| value.trim().trim_matches('"'))
    });
    let secret: Result<CurveSecretKey, _> = assigned.unwrap_or_else(|| text.trim()).parse();
    let secret = secret.map_err(|error| {
        Failure::usage(with_sources(&error)).hint("a secret key is 40 characters of Z85")
    })?;
    Ok(secret.public_key())
}

fn read(path: &Path) -> Result<String, Failure> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = Stdout::open()?;
    stdout.append(|buffer| {
        buffer.extend_from_slice(text.as_bytes());
        buffer.push(b'\n');
    })?;
    Ok(stdout.flush()?)
}
