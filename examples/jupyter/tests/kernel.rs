//! The program executes cells in a real kernel, `ipykernel` of PyPI.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic in a helper fails the test")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use support::example::Example;
use support::python;
use tempfile::TempDir;

#[test]
fn cells_share_the_state_of_a_kernel_over_every_transport_and_mechanism() {
    let Some(packages) = packages() else { return };
    let cells = [
        "x = 6",
        "x * 7",
        "import zmq; app = get_ipython().kernel.parent",
        "app.transport, app.shell_socket.mechanism == zmq.CURVE",
    ];
    for (options, shown) in [
        (&[][..], "('ipc', False)"),
        (&["--curve"], "('ipc', True)"),
        (&["--tcp"], "('tcp', False)"),
        (&["--tcp", "--curve"], "('tcp', True)"),
    ] {
        let (code, stdout, stderr) = Session::start(&packages, options, &cells).end();
        assert_eq!((code, stdout), (0, format!("42\n{shown}\n")), "{stderr}");
    }
}

#[test]
fn text_that_cells_print_precedes_their_values() {
    let Some(packages) = packages() else { return };
    let cells = [
        "print('a', flush=True); print('b'); 'c'",
        "import sys; print('to stderr', file=sys.stderr)",
        "for i in range(2000): print(i)",
    ];
    let numbers: String = (0..2_000).map(|number| format!("{number}\n")).collect();
    for options in [&[][..], &["--tcp", "--curve"]] {
        let (code, stdout, stderr) = Session::start(&packages, options, &cells).end();
        assert_eq!((code, stdout), (0, format!("a\nb\n'c'\n{numbers}")), "{stderr}");
        assert!(stderr.ends_with("to stderr\n"), "{stderr}");
    }
}

#[test]
fn a_cell_that_fails_is_reported_and_ends_the_program() {
    let Some(packages) = packages() else { return };
    let (code, stdout, stderr) = Session::start(&packages, &[], &["1", "1 / 0", "2"]).end();
    assert_eq!((code, stdout.as_str()), (1, "1\n"), "{stderr}");
    assert!(stderr.contains("Traceback"), "{stderr}");
    assert!(stderr.trim_end().ends_with(": division by zero"), "{stderr}");
}

#[test]
fn a_cell_reads_lines_from_the_terminal_until_they_end() {
    let Some(packages) = packages() else { return };
    let cells = ["name = input('name? ')", "name.upper()", "input('and? ')"];
    let mut session = Session::start(&packages, &[], &cells);
    session.program.skip_text("name? ");
    session.program.write_line("ada");
    session.program.skip_text("'ADA'\nand? ");
    session.program.end_input();
    let (code, stdout, stderr) = session.end();
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("EOFError"), "{stderr}");
}

#[test]
fn ctrl_c_interrupts_a_cell() {
    let Some(packages) = packages() else { return };
    let mut session = Session::start(&packages, &[], &["input('name? ')"]);
    session.program.skip_text("name? ");
    let kill = format!("kill -s INT {}", session.program.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let (code, stdout, stderr) = session.end();
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("KeyboardInterrupt"), "{stderr}");
}

#[test]
fn a_kernel_that_ends_by_itself_is_reported() {
    let Some(packages) = packages() else { return };
    let (code, _, stderr) = Session::start(&packages, &[], &["import os; os._exit(3)"]).end();
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.ends_with("jupyter: the kernel has ended: exit status: 3\n"), "{stderr}");
}

/// A run of the program.
struct Session {
    program: Example,
    /// The directory of IPython's files, such as its history.
    _files: TempDir,
}

impl Session {
    fn start(packages: &PathBuf, options: &[&str], cells: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let program = Example::spawn(
            Command::new(env!("CARGO_BIN_EXE_jupyter"))
                .args(options)
                .args(cells)
                .env("PYTHONPATH", packages)
                .env("IPYTHONDIR", files.path())
                .stdin(Stdio::piped())
                .stderr(Stdio::piped()),
        );
        Self { program, _files: files }
    }

    /// Returns the exit code, the rest of the output, and the errors.
    fn end(self) -> (i32, String, String) {
        let output = self.program.end();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

fn packages() -> Option<PathBuf> {
    python::ipykernel(env!("CARGO_TARGET_TMPDIR"))
}
