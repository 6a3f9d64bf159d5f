//! Measures the selected cases in turn and prints the results.

use std::path::PathBuf;
use std::{env, fs, process};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::Failure;
use crate::arguments::{Arguments, Command};
use crate::case::{Case, Section};
use crate::implementation::Implementation;
use crate::plan::{self, Extent};
use crate::results::{Problem, Results};
use crate::workload::{Attempt, Outcome};
use crate::{child, document, table};

/// Executes the command line.
#[expect(clippy::print_stdout, reason = "the printed output is the result")]
pub(crate) fn as_asked(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(Command::Redraw) = arguments.command {
        return document::redraw();
    }
    let plan = Plan::of(arguments);
    plan.check_programs()?;
    let mut all = Results::default();
    for &section in &plan.sections {
        let results = plan.measure(section)?;
        println!("== {}\n", section.title());
        for table in table::of_section(&results, section) {
            println!("{}", table.to_text());
        }
        if plan.writes {
            results.write(&document::kept(), section)?;
        }
        all.add(results);
    }
    if plan.extent != Extent::Smoke {
        println!("== Targets\n\n{}", document::targets_as_text(&all));
    }
    if plan.writes {
        document::redraw()?;
    }
    plan.complain(&all.problems)
}

/// The cases of a run, and the number of rounds.
#[derive(Debug)]
struct Plan<'a> {
    arguments: &'a Arguments,
    extent: Extent,
    sections: Vec<Section>,
    implementations: Vec<Implementation>,
    rounds: Option<usize>,
    seconds: Option<f64>,
    /// Whether results are stored and shown in the documentation.
    writes: bool,
}

impl<'a> Plan<'a> {
    fn of(arguments: &'a Arguments) -> Self {
        let extent = match (arguments.smoke, arguments.quick) {
            (true, _) => Extent::Smoke,
            (false, true) => Extent::Quick,
            (false, false) => Extent::Full,
        };
        let is_whole = arguments.implementations.is_empty()
            && arguments.rounds.is_none()
            && arguments.seconds.is_none();
        Self {
            arguments,
            extent,
            writes: arguments.write || (extent == Extent::Full && is_whole),
            sections: or_all(&arguments.sections),
            implementations: or_all(&arguments.implementations),
            rounds: arguments.rounds.map(usize::from),
            seconds: arguments.seconds,
        }
    }

    /// Fails if a measured program is not built, before anything is measured.
    fn check_programs(&self) -> Result<(), Failure> {
        let cases = self.sections.iter().flat_map(|&section| self.cases(section));
        if cases.into_iter().any(|case| case.lto) {
            child::with_lto()?;
        }
        Ok(())
    }

    /// Reports failures. Returns an error if this crate has failed, or in a smoke run any
    /// implementation.
    fn complain(&self, problems: &[Problem]) -> Result<(), Failure> {
        for Problem { case, implementation, text } in problems {
            eprintln!("{} failed in {case:?}: {text}", implementation.title());
        }
        let is_grave = |problem: &Problem| {
            self.extent == Extent::Smoke || problem.implementation == Implementation::TokioZmtp
        };
        if problems.iter().any(is_grave) {
            return Err("some measurements have failed".into());
        }
        Ok(())
    }

    /// Measures every case in several rounds. In each round, the implementations take turns.
    fn measure(&self, section: Section) -> Result<Results, Failure> {
        let cases = self.cases(section);
        let bar = self.bar(section, &cases);
        let directory = Directory::create()?;
        let mut results = Results::default();
        for case in cases {
            let seconds = self.seconds.unwrap_or_else(|| self.extent.seconds(case));
            let mut who: Vec<_> = self.taking_part(case).map(|who| (who, None)).collect();
            for round in 0..self.rounds(case) {
                for (who, rate) in &mut who {
                    bar.set_message(who.title());
                    if results.problem(case, *who).is_none() {
                        let attempt = Attempt {
                            case,
                            implementation: *who,
                            seconds,
                            rate: *rate,
                            directory: &directory.0,
                        };
                        match attempt.measure() {
                            Ok(Outcome { values, rate: found }) => {
                                *rate = found;
                                for value in values {
                                    results.record(case, *who, round, value);
                                }
                            }
                            Err(failure) => results.problems.push(Problem {
                                case,
                                implementation: *who,
                                text: failure.to_string(),
                            }),
                        }
                    }
                    bar.inc(1);
                }
                // The next round begins with another implementation.
                if !who.is_empty() {
                    who.rotate_left(1);
                }
            }
        }
        bar.finish_and_clear();
        Ok(results)
    }

    fn cases(&self, section: Section) -> Vec<Case> {
        let mut cases = plan::cases(section, self.extent);
        cases.retain(|&case| self.arguments.covers(case));
        cases
    }

    fn taking_part(&self, case: Case) -> impl Iterator<Item = Implementation> {
        self.implementations.iter().copied().filter(move |&who| plan::takes_part(who, case))
    }

    fn rounds(&self, case: Case) -> usize {
        self.rounds.unwrap_or_else(|| self.extent.rounds(case))
    }

    /// Shows progress only on a terminal.
    fn bar(&self, section: Section, cases: &[Case]) -> ProgressBar {
        let steps: usize =
            cases.iter().map(|&case| self.rounds(case) * self.taking_part(case).count()).sum();
        let style = ProgressStyle::with_template("{prefix:>12} {wide_bar} {pos}/{len} {eta} {msg}");
        ProgressBar::new(steps as u64)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_prefix(section.name())
    }
}

/// A directory for the files of sockets, which is removed when this is dropped.
#[derive(Debug)]
struct Directory(PathBuf);

impl Directory {
    fn create() -> Result<Self, Failure> {
        let path = env::temp_dir().join(format!("versus-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn or_all<T: ValueEnum + Clone>(chosen: &[T]) -> Vec<T> {
    if chosen.is_empty() { T::value_variants().to_vec() } else { chosen.to_vec() }
}
