//! Each type of socket against one that it is compatible with.

use crate::process::{Zmtp, run};

const BIND: &str = "--bind tcp://127.0.0.1:*";

#[test]
fn messages_of_several_parts_go_one_way() {
    let (pull, endpoint) = Zmtp::bound(&format!("pull {BIND} -n 2"));
    assert_eq!(run(&format!("push {endpoint} hello world -n 2")).code, Some(0));
    assert_eq!(pull.finish(), "hello\tworld\nhello\tworld\n");
}

#[test]
fn messages_of_one_part_go_one_way() {
    let (gather, endpoint) = Zmtp::bound(&format!("gather {BIND} -n 1"));
    assert_eq!(run(&format!("scatter {endpoint} hello")).code, Some(0));
    assert_eq!(gather.finish(), "hello\n");
}

#[test]
fn lines_are_messages() {
    let (pull, endpoint) = Zmtp::bound(&format!("recv {BIND} -n 3"));
    let mut push = Zmtp::start(&format!("send {endpoint} --delimiter ,"));
    push.write("a,b\n\nlast");
    push.finish();
    assert_eq!(pull.finish(), "a\tb\n\nlast\n");
}

#[test]
fn a_publisher_waits_for_the_first_subscriber() {
    let (publisher, endpoint) = Zmtp::bound(&format!("pub {BIND} weather. sunny"));
    let subscriber = Zmtp::start(&format!("sub {endpoint} weather. -n 1"));
    assert_eq!(subscriber.finish(), "weather.\tsunny\n");
    publisher.finish();
}

#[test]
fn a_radio_waits_for_the_first_member() {
    let (radio, endpoint) = Zmtp::bound(&format!("radio {BIND} --group weather sunny"));
    let dish = Zmtp::start(&format!("dish {endpoint} weather -n 1"));
    assert_eq!(dish.finish(), "weather\tsunny\n");
    radio.finish();
}

#[test]
fn requests_are_replied_to() {
    for (replier, requester) in [("rep", "req"), ("server", "client"), ("router", "req")] {
        let (reply, endpoint) = Zmtp::bound(&format!("reply -T {replier} {BIND} -n 2 --echo"));
        assert_eq!(
            run(&format!("request -T {requester} {endpoint} one -n 2")).stdout,
            "one\none\n"
        );
        reply.finish();
    }
}

#[test]
fn a_command_replies() {
    let arguments = ["reply", "--bind", "tcp://127.0.0.1:*", "-n", "2", "--command", "tr a-z A-Z"];
    let mut reply = Zmtp::start_with(arguments, |_| {});
    let endpoint = reply.notice("listening on ");
    let mut request = Zmtp::start(&format!("req {endpoint}"));
    request.write("one\ntwo\n");
    assert_eq!(request.finish(), "ONE\nTWO\n");
    assert_eq!(reply.finish(), "one\ntwo\n");
}

#[test]
fn a_line_replies_to_each_request() {
    let (mut reply, endpoint) = Zmtp::bound(&format!("rep {BIND} -n 1"));
    let mut request = Zmtp::start(&format!("req {endpoint} question"));
    assert_eq!(reply.line(), "question");
    reply.write("answer\n");
    assert_eq!(request.line(), "answer");
    request.finish();
    reply.finish();
}

#[test]
fn both_sides_send_and_receive() {
    for (bound, connected) in [
        ("pair", "pair"),
        ("channel", "channel"),
        ("dealer", "dealer"),
        ("router", "dealer"),
        ("server", "client"),
        ("peer", "peer"),
    ] {
        let (mut one, endpoint) = Zmtp::bound(&format!("{bound} {BIND} -n 1"));
        let mut other = Zmtp::start(&format!("{connected} {endpoint} -n 1"));
        other.write("hello\n");
        let received = one.line();
        assert_eq!(received.rsplit('\t').next(), Some("hello"), "{bound}");
        // The first one ends after a message: what it sends is written before.
        drop((one, other));

        let (one, endpoint) = Zmtp::bound(&format!("{bound} {BIND} hello -n 1"));
        let mut other = Zmtp::start(&format!("{connected} {endpoint} -n 1"));
        let line = other.line();
        assert_eq!(line.rsplit('\t').next(), Some("hello"), "{bound}");
        drop((one, other));
    }
}

#[test]
fn an_xpub_shows_subscriptions() {
    let (mut publisher, endpoint) = Zmtp::bound(&format!("xpub {BIND}"));
    let mut subscriber = Zmtp::start(&format!("xsub {endpoint} --subscribe weather. -n 1"));
    assert_eq!(publisher.line(), "subscribe\tweather.");
    publisher.write("weather. sunny\n");
    assert_eq!(subscriber.line(), "weather. sunny");
    subscriber.signal("INT");
    assert_eq!(publisher.line(), "cancel\tweather.");
}

#[test]
fn a_message_goes_to_the_remote_with_an_identity() {
    let (router, endpoint) = Zmtp::bound(&format!("send -T router {BIND} --to alice hello"));
    let bob = Zmtp::start(&format!("dealer {endpoint} --identity bob --send 0 -n 1"));
    let alice = Zmtp::start(&format!("recv -T dealer {endpoint} --identity alice -n 1"));
    assert_eq!(alice.finish(), "hello\n");
    router.finish();
    drop(bob);
}

#[test]
fn remotes_that_are_waited_for_share_the_messages() {
    let (one, first) = Zmtp::bound(&format!("pull {BIND} -n 5"));
    let (other, second) = Zmtp::bound(&format!("pull {BIND} -n 5"));
    let push = format!("push -c {first} -c {second} job -n 10 --wait-for 2");
    assert_eq!(run(&push).code, Some(0));
    assert_eq!(one.finish(), "job\n".repeat(5));
    assert_eq!(other.finish(), "job\n".repeat(5));
}

#[test]
fn recipients_that_are_waited_for_receive_the_first_message() {
    for (publisher, subscriber) in
        [("pub", "sub"), ("xpub", "sub"), ("radio --group job", "dish --join job")]
    {
        let send = if publisher == "xpub" { "--send" } else { "-n" };
        let (publisher, endpoint) =
            Zmtp::bound(&format!("{publisher} {BIND} --wait-for 3 {send} 1 job"));
        let subscribers: Vec<_> =
            (0..3).map(|_| Zmtp::start(&format!("{subscriber} {endpoint} -n 1"))).collect();
        for subscriber in subscribers {
            assert!(subscriber.finish().ends_with("job\n"));
        }
        drop(publisher);
    }
}

#[test]
fn an_endpoint_without_a_remote_delays_nothing() {
    let (pull, endpoint) = Zmtp::bound(&format!("pull {BIND} -n 1"));
    assert_eq!(run(&format!("push -c ipc:///no/such/socket -c {endpoint} job")).code, Some(0));
    assert_eq!(pull.finish(), "job\n");

    let (_pull, endpoint) = Zmtp::bound(&format!("pull {BIND}"));
    let end = run(&format!("push -q {endpoint} job --wait-for 2 --timeout 100ms"));
    assert_eq!(end.code, Some(3), "{end:?}");
    assert!(end.stderr.contains("no sufficient number of remotes within 100ms"), "{end:?}");
}

#[test]
fn a_router_waits_for_room() {
    let (router, endpoint) =
        Zmtp::bound(&format!("send -T router {BIND} --to alice -n 50 -o send_hwm=1 job"));
    let dealer = format!("recv -T dealer {endpoint} --identity alice -n 50 -o recv_hwm=1");
    assert_eq!(run(&dealer).stdout, "job\n".repeat(50));
    router.finish();
}
