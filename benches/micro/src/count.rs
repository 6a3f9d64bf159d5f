//! Counts instructions, with valgrind.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use micro::benchmarks::{MESSAGES, Round};

use crate::Failure;
use crate::subject::Subject;

/// The argument with which this program runs the counted work.
pub(crate) const ROLE: &str = "count";

/// Returns the number of instructions per message.
pub(crate) fn instructions(subject: Subject) -> Result<f64, Failure> {
    let profile = profile(subject.name())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*measured_rounds*"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(env::current_exe()?)
        .args([ROLE, subject.name()])
        // Selects a copy routine of the C library that every processor supports.
        .env("GLIBC_TUNABLES", PLAIN_COPIES)
        .output()
        .map_err(|error| format!("valgrind, which must be installed, did not run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let counted = total(&fs::read_to_string(&profile)?)
        .filter(|instructions| *instructions > 0)
        .ok_or_else(|| format!("no instructions are counted in {}", profile.display()))?;
    Ok(counted as f64 / f64::from(ROUNDS) / MESSAGES as f64)
}

/// Returns the path of the profile in which valgrind stores the counts by function.
pub(crate) fn profile(name: &str) -> Result<PathBuf, Failure> {
    Ok(env::current_exe()?.with_file_name(format!("{name}.callgrind")))
}

/// Runs the counted work.
pub(crate) fn play(name: &str) -> Result<(), Failure> {
    let subject = Subject::ALL.into_iter().find(|subject| subject.name() == name);
    let mut round = subject.ok_or("unknown subject")?.round();
    for _ in 0..WARM_UP {
        round.prepare();
        round.run();
    }
    for _ in 0..ROUNDS {
        round.prepare();
        measured_rounds(&mut *round);
    }
    Ok(())
}

/// Runs a round. Valgrind identifies this function by its name, and counts only while it runs.
#[inline(never)]
fn measured_rounds(round: &mut dyn Round) {
    round.run();
}

/// Parses the line `totals: 1234` of a profile.
fn total(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok())
}

const ROUNDS: u16 = 20;

/// The number of rounds after which queues and buffers no longer grow.
const WARM_UP: u16 = 5;

/// Restricts the C library to SSE2, which is a part of the architecture. ERMS and FSRM stand for
/// `rep movsb`, a single instruction of which valgrind counts each byte.
const PLAIN_COPIES: &str =
    "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-SSSE3";
