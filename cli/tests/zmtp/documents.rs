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

/// An option that the help of a type does not show is an error, and others are not.
#[test]
fn help_shows_the_options_that_a_type_has() {
    let types = "pub sub push pull req rep dealer router pair client server peer channel radio dish \
        scatter gather xpub xsub";
    for name in types.split_whitespace() {
        let help = run(&format!("{name} --help")).stdout;
        let (help, _) = help.split_once("Examples:").unwrap();
        for (option, value) in [
            ("--subscribe", "a"),
            ("--join", "a"),
            ("--identity", "a"),
            ("--group", "a"),
            ("--to", "7"),
            ("--no-wait", ""),
        ] {
            let required = match name {
                "radio" if option != "--group" => " --group a",
                "dish" if option != "--join" => " --join a",
                _ => "",
            };
            let line = format!("{name} ipc:///no/such -t 1ms {option} {value}{required}");
            let end = run(line.trim_end());
            let is_shown =
                help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n"));
            assert_eq!(is_shown, end.code != Some(2), "{line}: {end:?}");
        }
    }
}

#[test]
fn the_options_of_a_type_are_listed_with_their_defaults() {
    let options = run("options push").stdout;
    let value = |name: &str| {
        let line = options.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.map(|line| line[name.len()..].trim().to_owned())
    };
    assert_eq!(value("linger").as_deref(), Some("30s"));
    assert_eq!(value("send_hwm").as_deref(), Some("1000"));
    assert_eq!(value("recv_buffer_size").as_deref(), Some("-"));
    assert_eq!(value("subscribe"), None);
    assert!(run("options sub").stdout.contains("subscribe"));
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
