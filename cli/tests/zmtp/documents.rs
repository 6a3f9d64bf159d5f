//! Help, completions and manual pages.

use crate::process::{directory, run};

#[test]
fn every_command_has_help_with_examples() {
    let help = run("--help").stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| line.starts_with("  "));
    let names = commands.filter_map(|line| line.split_whitespace().next());
    let mut count = 0;
    for name in names.filter(|name| *name != "help") {
        let end = run(&format!("{name} --help"));
        assert_eq!(end.code, Some(0));
        assert!(end.stdout.contains("Examples:\n"), "{name}");
        count += 1;
    }
    assert!(count > 20, "{help}");
}

#[test]
fn shells_complete_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(run(&format!("completions {shell}")).stdout.contains("gather"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    assert!(run("man").stdout.contains(".TH ZMTP"));
    assert!(run("man sub").stdout.contains("Examples:"));
    let directory = directory();
    assert_eq!(run(&format!("man --directory {directory}")).code, Some(0));
    assert!(std::path::Path::new(&directory).join("zmtp-context-save.1").exists());
}
