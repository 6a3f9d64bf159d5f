//! How the program ends: its exit codes, and the line that it writes.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::process::{End, Zmtp, directory, run};

#[track_caller]
fn fails(end: &End, code: i32, text: &str) {
    assert_eq!(end.code, Some(code), "{end:?}");
    let last = end.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("zmtp: ") && last.contains(text), "{end:?}");
}

#[test]
fn a_wrong_command_line_is_explained() {
    fails(&run("push localhost:5555 hello"), 2, "tcp://localhost:5555");
    fails(&run("pull"), 2, "no endpoint");
    fails(&run("pull tcp://localhost:1 -o lnger=1s"), 2, "unknown field `lnger`");
    fails(&run("pull tcp://localhost:1 -o lnger=1s"), 2, "did you mean `linger`?");
    fails(&run("pull tcp://localhost:1 -o zzz=1s"), 2, "`zmtp options TYPE` lists");
    fails(&run("pull tcp://localhost:1 -o linger"), 2, "has no value");
    fails(&run("pull hello"), 2, "tcp://HOST:PORT");
    fails(&run("push tcp://localhost:1 hello --no-wait"), 2, "a PUSH has no --no-wait");
    fails(&run("pub tcp://localhost:1 hello --to 7"), 2, "it is for ROUTER, SERVER, PEER");
    fails(&run("scatter tcp://localhost:1 two parts -o immediate=false"), 2, "one part, not 2");
    fails(&run("push tcp://localhost:1 @/no/such/file"), 2, "/no/such/file");
    fails(&run("pull --context nowhere"), 2, "not a context");
    assert_eq!(run("pull --no-such-option").code, Some(2));
    fails(&run("push tcp://localhost:1 tcp://localhost:2"), 2, "a second endpoint");
    fails(&run("reply @tcp://127.0.0.1:* part --echo"), 2, "without parts");
    fails(&run("context save nothing"), 2, "without arguments");
    for line in ["push inproc://a hello", "proxy pull=@inproc://a push=tcp://localhost:1"] {
        fails(&run(line), 2, "inproc is for sockets of one process; write ipc://PATH");
    }
    fails(&run("push tcp:localhost:5555 hello"), 2, "write tcp://localhost:5555");
    fails(&run("push ipc:/tmp/a hello"), 2, "write ipc:///tmp/a");
    let file = format!("{}/file", directory());
    fs::write(&file, "").unwrap();
    fails(&run(&format!("pull @tcp://127.0.0.1:* --dump {file}")), 2, "it is not a directory");
    fails(&run("context save  -o linger=1s"), 2, "a context without a name");
    fails(&run("monitor udp://127.0.0.1:5555"), 2, "udp has no connection to examine");
    let slow = run("pub tcp://localhost:1 -o slow_subscriber=x");
    fails(&slow, 2, "unknown variant `x`, expected one of `drop_newest`, ");
}

#[test]
fn keys_without_a_role_are_refused() {
    fails(&run("push tcp://localhost:1 hello --secret-key /no/such/file"), 2, "needs a role");
    fails(&run("context save one --secret-key /no/such/file"), 2, "needs a role");
    assert_eq!(run("push tcp://localhost:1 --password-file /no/such/file").code, Some(2));
}

#[test]
fn top_ends_while_it_waits() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (top, _) = Zmtp::bound("top @tcp://127.0.0.1:*");
        assert_eq!(top.interrupt(signal).code, Some(code));
    }
}

#[test]
fn the_first_argument_of_a_reply_is_the_endpoint() {
    for answer in ["--echo", "--command=cat"] {
        let (reply, endpoint) = Zmtp::bound(&format!("reply @tcp://127.0.0.1:* -n 1 {answer}"));
        assert_eq!(Zmtp::start(&format!("request {endpoint} hello")).finish(), "hello\n");
        assert_eq!(reply.finish(), "hello\n");
    }
}

#[test]
fn a_command_replies_to_a_request_that_is_too_long_for_a_variable() {
    let file = format!("{}/long", directory());
    fs::write(&file, "a".repeat(200_000)).unwrap();
    let (mut reply, endpoint) = Zmtp::bound("reply @tcp://127.0.0.1:* -n 1 --command wc");
    let request = Zmtp::start(&format!("request {endpoint} @{file}"));
    assert_eq!(reply.line().len(), 200_000);
    assert_eq!(request.finish().split_whitespace().last(), Some("200000"));
    reply.finish();
}

#[test]
fn an_endpoint_in_use_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    fails(&run(&format!("pull --bind {endpoint}")), 1, "is in use");
}

#[test]
fn an_unreachable_remote_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    for command in ["push", "request", "pub", "client"] {
        let end = run(&format!("{command} {endpoint} hello -n 1 --timeout 300ms"));
        fails(&end, 3, "Connection refused");
    }
    fails(&run(&format!("pull {endpoint} --timeout 300ms")), 3, "Connection refused");
    fails(&run("pull @tcp://127.0.0.1:* --timeout 10ms"), 3, "no message within 10ms");
    for (command, reason) in [
        ("push", "no connected remote within 10ms"),
        ("router --to bob", "no remote with the id `bob` within 10ms"),
        ("server --to 7", "no remote with the id `7` within 10ms"),
    ] {
        fails(&run(&format!("{command} --bind tcp://127.0.0.1:* hello --timeout 10ms")), 3, reason);
    }
}

#[test]
fn a_refusing_remote_ends_the_command() {
    let (_pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:*");
    fails(&run(&format!("pull {endpoint}")), 4, "incompatible");
    let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    let end =
        Zmtp::start_with(["push", &endpoint, "hello", "--curve-server-key", key], |_| {}).end();
    fails(&end, 4, "mechanism");
}

#[test]
fn curve_needs_the_right_key() {
    let directory = directory();
    // The keys of RFC 32's test vectors.
    let (public, secret) =
        ("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs");
    let file = format!("{directory}/server.secret");
    fs::write(&file, secret).unwrap();
    let bound = format!("pull @tcp://127.0.0.1:* -n 1 --curve-server --secret-key {file}");
    let (pull, endpoint) = Zmtp::bound(&bound);
    let push = |key: &str| {
        Zmtp::start_with(["push", &endpoint, "hello", "--curve-server-key", key], |_| {}).end()
    };
    fails(&push("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"), 4, "key");
    assert_eq!(push(public).code, Some(0));
    assert_eq!(pull.finish(), "hello\n");
}

#[test]
fn signals_close_the_sockets() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:*");
        let mut push = Zmtp::start(&format!("push {endpoint}"));
        push.write("hello\n");
        let mut pull = pull;
        assert_eq!(pull.line(), "hello");
        for process in [pull, push] {
            assert_eq!(process.interrupt(signal).code, Some(code));
        }
    }
}

#[test]
fn a_reader_that_closes_the_output_ends_the_command_quietly() {
    let program = env!("CARGO_BIN_EXE_zmtp");
    let script = format!(
        "{{ {program} pull -q @ipc://sink; echo $? >&2; }} | head -n 1 & \
         {program} push -q ipc://sink -n 100000 -t 5s hello; wait"
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(directory())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\n");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.lines().any(|line| line == "141"), "{errors}");
}

#[test]
fn a_closed_output_is_noticed_without_a_message() {
    for command in ["pull", "top"] {
        let (zmtp, _) = Zmtp::bound(&format!("{command} --bind tcp://127.0.0.1:*"));
        assert_eq!(zmtp.unread(), Some(141), "{command}");
    }
    let mut monitor = Zmtp::start("monitor --join-as pull --bind tcp://127.0.0.1:*");
    assert!(monitor.line().ends_with("listening"));
    assert_eq!(monitor.unread(), Some(141));
}

#[test]
fn a_second_signal_ends_a_command_that_still_writes() {
    // A remote that accepts and reads nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", silent.local_addr().unwrap());
    let mut push =
        Zmtp::start(&format!("push {endpoint} hello -o immediate=false -o linger=infinite"));
    let _connection = silent.accept().unwrap();
    while !push.has_ended() {
        push.signal("INT");
    }
    assert_eq!(push.end().code, Some(130));
}

#[test]
fn messages_that_are_not_delivered_are_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    drop(listener);
    let end = run(&format!("push {endpoint} hello -n 3 -o immediate=false -o linger=100ms"));
    fails(&end, 5, "3 messages were not written");
}

#[test]
fn a_slow_reader_loses_nothing() {
    let (mut pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 20000 -o recv_hwm=10");
    // More than the pipe, the buffers of the connection and the queues contain.
    let text = "a".repeat(1000);
    let push = Zmtp::start(&format!("push {endpoint} {text} -n 20000 -o send_hwm=10"));
    assert_eq!(pull.line(), text);
    assert_eq!(pull.finish().lines().filter(|line| *line == text).count(), 19_999);
    push.finish();
}

#[test]
fn messages_that_wait_when_the_remote_is_lost_are_counted() {
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:*");
    let mut push = Zmtp::start(&format!("push {endpoint} -o immediate=false -o linger=100ms"));
    push.write("one\n");
    let mut pull = pull;
    assert_eq!(pull.line(), "one");
    pull.interrupt("KILL");
    push.notice("Connection refused");
    push.write("two\nthree\n");
    fails(&push.end(), 5, "2 messages were not written");
}

#[test]
fn messages_that_are_dropped_for_slow_subscribers_are_counted() {
    // Until its output is read, the subscriber reads no more than fits in its queues.
    let (mut subscriber, endpoint) = Zmtp::bound("sub @tcp://127.0.0.1:* -o recv_hwm=1");
    let text = "a".repeat(1000);
    let publish = format!("pub {endpoint} {text} -n 20000 -o send_hwm=1 -o linger=0s");
    let end = run(&publish);
    fails(&end, 5, "dropped for slow subscribers; `--option slow_subscriber=wait` waits");
    assert_eq!(subscriber.line(), text);
}

#[test]
fn a_publisher_can_wait_for_slow_subscribers() {
    let (mut subscriber, endpoint) = Zmtp::bound("sub @tcp://127.0.0.1:* -n 20000 -o recv_hwm=1");
    let text = "a".repeat(1000);
    let publisher = Zmtp::start(&format!(
        "pub {endpoint} {text} -n 20000 -o send_hwm=1 -o slow_subscriber=wait"
    ));
    assert_eq!(subscriber.line(), text);
    assert_eq!(subscriber.finish().lines().filter(|line| *line == text).count(), 19_999);
    publisher.finish();
}

#[test]
fn messages_without_a_subscriber_are_counted() {
    let end = run("pub @tcp://127.0.0.1:* --no-wait hello -n 3");
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.stderr.contains("3 messages had no subscriber"), "{end:?}");

    let (subscriber, endpoint) = Zmtp::bound("sub @tcp://127.0.0.1:* a");
    let mut publisher = Zmtp::start(&format!("pub {endpoint}"));
    publisher.write("a\nb\na\n");
    let mut subscriber = subscriber;
    assert_eq!((subscriber.line(), subscriber.line()), ("a".to_owned(), "a".to_owned()));
    publisher.write("b\n");
    let end = publisher.end();
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.stderr.contains("2 messages had no subscriber"), "{end:?}");
}

#[test]
fn a_line_that_is_not_a_message_is_named() {
    let (pull, endpoint) = Zmtp::bound("pull @tcp://127.0.0.1:* -n 1");
    let mut push = Zmtp::start(&format!("push {endpoint} --input json"));
    push.write("[\"one\"]\nbad\n");
    fails(&push.end(), 2, "line 2: `bad` is not a message: expected value at column 1; write");
    assert_eq!(pull.finish(), "one\n");
}
