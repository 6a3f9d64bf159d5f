//! The forms of messages, on the input and on the output.

use std::{fs, thread};

use crate::process::{Zmtp, directory, run};

#[test]
fn json_survives_a_round_trip() {
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* --json -n 2");
    let mut push = Zmtp::start(&format!("push {endpoint} --input json"));
    let text = "{\"parts\":[\"a\\n\",{\"base64\":\"/w==\"},\"\"]}\n[\"b\"]\n";
    push.write(text);
    push.finish();
    assert_eq!(pull.finish(), text.replace("[\"b\"]", "{\"parts\":[\"b\"]}"));
}

#[test]
fn bytes_are_written_as_digits_or_unchanged() {
    for (form, expected) in
        [("--hex", "00ff\t61\n"), ("--base64", "AP8=\tYQ==\n"), ("--raw", "\0\u{fffd}a")]
    {
        let (pull, endpoint) = Zmtp::bound(&format!("pull @tcp://127.0.0.1:* {form} -n 1"));
        run(&format!("push {endpoint} --input hex 00ff 61"));
        assert_eq!(pull.finish(), expected);
    }
}

#[test]
fn a_template_is_filled_for_each_message() {
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 5");
    run(&format!("push {endpoint} {{{{count}}}}/{{{{uuid}}}} -n 2 --interval 1ms"));
    let mut push = Zmtp::start(&format!("push {endpoint} log {{{{line}}}}"));
    push.write("a\nb\n");
    push.finish();
    run(&format!("push {endpoint} {{{{count}}}} --no-template"));
    let lines = pull.finish();
    let lines: Vec<_> = lines.lines().collect();
    assert!(lines[0].starts_with("1/") && lines[1].starts_with("2/"), "{lines:?}");
    assert_eq!(lines[2..], ["log\ta", "log\tb", "{{count}}"]);
}

#[test]
fn a_dump_is_replayed() {
    let directory = directory();
    let file = format!("{directory}/input");
    fs::write(&file, b"\0\xff\n").unwrap();
    let dump = format!("{directory}/dump");
    let (pull, endpoint) = Zmtp::bound(&format!("pull @tcp://127.0.0.1:* -n 1 --dump {dump}"));
    run(&format!("push {endpoint} part @{file}"));
    pull.finish();
    let text = fs::read_to_string(format!("{dump}/00000001.json")).unwrap();

    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 1 --hex");
    let mut push = Zmtp::start(&format!("push {endpoint} --input json"));
    push.write(&text);
    push.finish();
    assert_eq!(pull.finish(), "70617274\t00ff0a\n");
}

#[test]
fn options_of_the_library_are_set() {
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 1 -o max_message_size=4");
    let push = Zmtp::start(&format!("push {endpoint} -o linger=10s -o send-hwm=1"));
    drop(push);
    run(&format!("push {endpoint} four"));
    assert_eq!(pull.finish(), "four\n");
}

#[test]
fn a_long_line_is_one_message() {
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 2");
    let mut push = Zmtp::start(&format!("push {endpoint}"));
    let line = "a".repeat(10_000_000);
    // The output is read at the same time.
    let reading = thread::spawn(move || pull.finish());
    push.write(&format!("{line}\nlast"));
    push.finish();
    let received = reading.join().unwrap();
    assert_eq!(received.len(), line.len() + "\nlast\n".len());
    assert!(received.ends_with("a\nlast\n"));
}

#[test]
fn a_count_of_zero_is_any_number_of_lines_and_no_messages() {
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 2");
    let mut push = Zmtp::start(&format!("push {endpoint} -n 0"));
    push.write("one\ntwo\n");
    push.finish();
    assert_eq!(pull.finish(), "one\ntwo\n");
    let (pull, _) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 0");
    assert_eq!(pull.finish(), "");
}
