//! The instruction budget of a message.

use std::env::consts::ARCH;
use std::fmt;
use std::fs;
use std::process::Command;

use toml_edit::{DocumentMut, value};

use crate::Failure;
use crate::subject::Subject;

/// The path of the budget, from the root of the repository.
pub(crate) const PATH: &str = "benches/micro/budget.toml";

/// The command that writes the counts as the new budget.
pub(crate) const REWRITE: &str =
    concat!("cargo run --release -p micro --bin ", env!("CARGO_BIN_NAME"), " -- --write");

/// The file of the budget, whose comments are kept when its values change.
#[derive(Debug)]
pub(crate) struct Budget {
    file: DocumentMut,
    compiler: String,
}

/// The result of comparing a count with its budget.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    Exceeds {
        budget: f64,
        percent: f64,
    },
    FarBelow {
        budget: f64,
        percent: f64,
    },
    /// This architecture has no budget.
    Unknown,
    Within {
        budget: f64,
        percent: f64,
    },
}

impl Budget {
    pub(crate) fn read() -> Result<Self, Failure> {
        let file = fs::read_to_string(FILE)?.parse()?;
        let output = Command::new("rustc").arg("--version").output()?;
        let compiler = String::from_utf8(output.stdout)?.trim().to_owned();
        Ok(Self { file, compiler })
    }

    /// Sets the budget of this architecture and compiler.
    pub(crate) fn set(&mut self, subject: Subject, counted: f64) {
        self.file["rustc"] = value(&self.compiler);
        self.file[ARCH][subject.name()] = value((counted * 10.0).round() / 10.0);
    }

    /// Returns the compiler of the budget, if it differs from the current one.
    pub(crate) fn other_compiler(&self) -> Option<&str> {
        let compiler = self.file.get("rustc")?.as_str()?;
        (compiler != self.compiler).then_some(compiler)
    }

    pub(crate) fn judge(&self, subject: Subject, counted: f64) -> Result<Verdict, Failure> {
        let tolerance = self.file.get("tolerance").and_then(|percent| percent.as_float());
        let tolerance = tolerance.ok_or("the budget has no tolerance")?;
        let budgets = self.file.get(ARCH);
        let Some(budget) = budgets.and_then(|budgets| budgets.get(subject.name())?.as_float())
        else {
            return Ok(Verdict::Unknown);
        };
        let percent = (counted / budget - 1.0) * 100.0;
        Ok(if percent > tolerance {
            Verdict::Exceeds { budget, percent }
        } else if percent < -tolerance {
            Verdict::FarBelow { budget, percent }
        } else {
            Verdict::Within { budget, percent }
        })
    }

    pub(crate) fn write(&self) -> Result<(), Failure> {
        Ok(fs::write(FILE, self.file.to_string())?)
    }
}

impl Verdict {
    pub(crate) const fn is_exceeded(&self) -> bool {
        matches!(self, Self::Exceeds { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exceeds { budget, percent } => {
                write!(f, "above the budget of {budget:.1} ({percent:+.1} %)")
            }
            Self::FarBelow { budget, percent } => write!(
                f,
                "far below the budget of {budget:.1} ({percent:+.1} %); to lower the budget: {REWRITE}"
            ),
            Self::Unknown => write!(f, "without a budget on {ARCH}"),
            Self::Within { budget, percent } => {
                write!(f, "within the budget of {budget:.1} ({percent:+.1} %)")
            }
        }
    }
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budget.toml");
