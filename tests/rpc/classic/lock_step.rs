//! Remotes in lock step: a REQ takes any message for its reply, and a REP of libzmq replies to
//! every message.

use futures::{StreamExt, TryStreamExt};
use support::remote::{GREETING, Remote, RemoteListener, command, property};
use tokio::sync::oneshot;
use tokio_zmtp::rpc::{Failure, Request, Requester, Responder, Response, service_fn};
use tokio_zmtp::{Dealer, Message, Rep};

use super::{endpoint, read, write};
use crate::wire::{CANCEL, END, ERROR, REPLY, REQUEST, body, envelope, opened, until, until_there};

#[tokio::test(start_paused = true)]
async fn a_req_receives_one_answer_to_each_request_and_no_notice() {
    let responder = Responder::new(Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap());
    let (stop, stopped) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let mut released = Some(released);
    let handler = service_fn(move |request: Request| {
        let released = if request.body() == "held" { released.take() } else { None };
        async move {
            if request.body() == "stream" {
                let parts = futures::stream::iter(["1", "2"]).map(Ok::<_, Failure>);
                return Ok::<_, Failure>(Response::stream(parts));
            }
            if let Some(released) = released {
                released.await.unwrap();
            }
            Ok(Response::new(request.into_body()))
        }
    });
    let serving = tokio::spawn(responder.serve_with_shutdown(handler, async move {
        stopped.await.unwrap();
    }));
    let mut req = Remote::dial(&endpoint(&responder)).await;
    req.shake_hands("REQ").await;

    write(&mut req, envelope(REQUEST, 1, b"\x02\0\0\0\x08stream")).await;
    assert_eq!(read(&mut req).await, envelope(ERROR, 1, [0x16, 0, 0, 0, 0]));
    write(&mut req, envelope(REQUEST, 1, "\0hi")).await;
    assert_eq!(read(&mut req).await, envelope(REPLY, 1, "hi"));

    write(&mut req, envelope(REQUEST, 2, "\0held")).await;
    until_there(&responder, |stats| stats.running == 1).await;
    stop.send(()).unwrap();
    tokio::task::yield_now().await;
    release.send(()).unwrap();
    assert_eq!(read(&mut req).await, envelope(REPLY, 2, "held"));
    serving.await.unwrap();
    assert_eq!(req.read_to_end().await, b"");
}

#[tokio::test]
async fn a_cancellation_is_sent_only_to_servers_that_need_not_answer_it() {
    for (socket_type, lock_step, is_sent) in [
        ("REP", None, false),
        ("REP", Some("1"), false),
        ("REP", Some("0"), true),
        ("ROUTER", None, true),
        ("DEALER", None, true),
    ] {
        let listener = RemoteListener::bind();
        let dealer = Dealer::builder().connect(listener.endpoint()).await.unwrap();
        let requester = Requester::new(dealer);
        let mut server = accept(&listener, socket_type, lock_step).await;
        let call = tokio::spawn(requester.call("first"));
        let request = read(&mut server).await;
        let (kind, first, _) = opened(&request);
        assert_eq!(kind, REQUEST);
        call.abort();
        until(&requester, |stats| stats.cancelled == 1).await;
        let second = tokio::spawn(requester.call("second"));
        if is_sent {
            assert_eq!(read(&mut server).await, envelope(CANCEL, first, ""));
        }
        // The answer to the cancelled call, and that of a server that answers cancellations.
        write(&mut server, envelope(REPLY, first, "first")).await;
        write(&mut server, envelope(END, first, "")).await;
        let request = read(&mut server).await;
        let (kind, id, rest) = opened(&request);
        assert_eq!((kind, body(rest)), (REQUEST, &b"second"[..]));
        write(&mut server, envelope(REPLY, id, "done")).await;
        assert_eq!(second.await.unwrap().unwrap(), "done");
        let stats = requester.stats();
        assert_eq!((stats.cancels_unsent, stats.late), (u64::from(!is_sent), 2));
    }
}

#[tokio::test]
async fn a_server_without_streams_answers_a_stream_with_its_only_part() {
    let listener = RemoteListener::bind();
    let dealer = Dealer::builder().connect(listener.endpoint()).await.unwrap();
    let requester = Requester::builder(dealer).stream_window(1).build();
    let serve = async {
        let mut server = listener.accept_as("REP").await;
        for _ in 0..2 {
            let request = read(&mut server).await;
            let (kind, id, _) = opened(&request);
            assert_eq!(kind, REQUEST, "it receives neither credit nor cancellations");
            write(&mut server, envelope(REPLY, id, "all")).await;
        }
        server
    };
    let calls = async {
        let parts: Vec<Message> = requester.stream("first").try_collect().await.unwrap();
        assert_eq!(parts, ["all"]);
        assert_eq!(requester.call("second").await.unwrap(), "all");
    };
    tokio::join!(calls, serve);
}

async fn accept(listener: &RemoteListener, socket_type: &str, lock_step: Option<&str>) -> Remote {
    let mut remote = listener.accept().await;
    remote.write(&GREETING).await;
    let mut properties = property("Socket-Type", socket_type.as_bytes());
    if let Some(value) = lock_step {
        properties.extend(property("X-Lock-Step", value.as_bytes()));
    }
    remote.write(&command("READY", &properties)).await;
    remote.read(GREETING.len()).await;
    remote.read_frame().await;
    remote
}
