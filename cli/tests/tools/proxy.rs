//! Proxies between sockets.

use tokio::task;
use tokio_zmtp::snapshot::Snapshot;
use tokio_zmtp::{Dealer, Pub, Pull, Push, Rep, Req, Sub};

use crate::process::{Running, directory, run};

#[tokio::test]
async fn messages_are_forwarded_captured_and_counted() {
    let mut proxy = start(&[
        "pull=@tcp://127.0.0.1:*",
        "push=@tcp://127.0.0.1:*",
        "--capture",
        "push=@tcp://127.0.0.1:*",
    ])
    .await;
    let [frontend, backend, capture] = [(); 3].map(|()| proxy.endpoint());
    let push = Push::builder().connect(&*frontend).await.unwrap();
    let (pull, copies) = (
        Pull::builder().connect(&*backend).await.unwrap(),
        Pull::builder().connect(&*capture).await.unwrap(),
    );
    copies.remotes().connected().await.unwrap();
    push.send(["one", "two"]).await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["one", "two"]);

    let (code, rest) = task::spawn_blocking(|| proxy.interrupt()).await.unwrap();
    assert_eq!(code, Some(130));
    assert!(rest.contains("forwarded 1 (6 bytes) to the backend, 0 (0 bytes)"), "{rest}");
}

#[tokio::test]
async fn messages_that_were_not_forwarded_are_reported() {
    let any = ["pull=@tcp://127.0.0.1:*", "push=@tcp://127.0.0.1:*", "--stats=@tcp://127.0.0.1:*"];
    let mut proxy = start(&any).await;
    let [frontend, _, stats] = [(); 3].map(|()| proxy.endpoint());
    let push = Push::builder().connect(&*frontend).await.unwrap();
    push.send("no PULL is connected").await.unwrap();
    let sub = Sub::builder().connect(&*stats).await.unwrap();
    sub.subscribe(Snapshot::TOPIC).unwrap();
    loop {
        let message = sub.recv().await.unwrap();
        let snapshot: Snapshot = serde_json::from_slice(&message[1]).unwrap();
        if snapshot.sockets[0].stats.queued.incoming == 1 {
            break;
        }
    }

    let (code, rest) = task::spawn_blocking(|| proxy.interrupt()).await.unwrap();
    assert_eq!(code, Some(130));
    assert!(rest.contains("received, but not forwarded: 1"), "{rest}");
}

#[tokio::test]
async fn a_broker_of_xsub_and_xpub_forwards_subscriptions() {
    let mut proxy = start(&["xsub=@tcp://127.0.0.1:*", "xpub=@tcp://127.0.0.1:*"]).await;
    let [frontend, backend] = [(); 2].map(|()| proxy.endpoint());
    let publisher = Pub::builder().connect(&*frontend).await.unwrap();
    let sub = Sub::builder().connect(&*backend).await.unwrap();
    sub.subscribe("weather.").unwrap();
    publisher.subscribed("weather.").await.unwrap();
    publisher.send(["weather.london", "rain"]).await.unwrap();
    assert_eq!(sub.recv().await.unwrap(), ["weather.london", "rain"]);
}

/// A proxy joins a Unix domain socket and TCP.
#[cfg(unix)]
#[tokio::test]
async fn requests_pass_from_ipc_to_tcp() {
    let rep = Rep::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let tcp = rep.last_endpoint().unwrap();
    tokio::spawn(async move {
        let (request, mut replier) = rep.recv().await.unwrap();
        replier.reply(request).await.unwrap();
    });
    let path = directory("ipc").join("frontend");
    let frontend = format!("router=@ipc://{}", path.display());
    let mut proxy = start(&[&frontend, &format!("dealer={tcp}")]).await;
    let req = Req::builder().connect(&*proxy.endpoint()).await.unwrap();
    assert_eq!(req.request("hello").await.unwrap(), ["hello"]);
}

/// A SUB receives all topics unless an option names some.
#[tokio::test]
async fn a_sub_forwards_the_topics_of_an_option() {
    let publisher = Pub::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let from = format!("sub={}", publisher.last_endpoint().unwrap());
    let mut proxy =
        start(&[&from, "push=@tcp://127.0.0.1:*", "--frontend-option", "subscribe='a'"]).await;
    let pull = Pull::builder().connect(&*proxy.endpoint()).await.unwrap();
    publisher.subscribed("a").await.unwrap();
    publisher.send("b").await.unwrap();
    publisher.send("a").await.unwrap();
    assert_eq!(pull.recv().await.unwrap(), ["a"]);
}

#[tokio::test]
async fn types_that_do_not_fit_are_refused_with_the_pairs_that_do() {
    let arguments = ["proxy", "--quiet", "router=@tcp://127.0.0.1:*", "pull=@tcp://127.0.0.1:*"];
    let line = run(arguments).await.failed(2);
    assert!(line.contains("cannot join ROUTER and PULL") && line.contains("xsub"), "{line}");

    let dealer = Dealer::builder().bind("tcp://127.0.0.1:*").await.unwrap();
    let taken = format!("dealer=@{}", dealer.last_endpoint().unwrap());
    let line = run(["proxy", "--quiet", "router=@tcp://127.0.0.1:*", &taken]).await.failed(1);
    assert!(line.contains("in use"), "{line}");
}

async fn start(arguments: &[&str]) -> Running {
    let arguments = [&["proxy"], arguments].concat();
    Running::start(arguments)
}
