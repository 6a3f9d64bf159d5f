//! Drops every future of the module `rpc` at every await point: every call is still accounted for.

use std::time::Duration;

use futures::future::{self, LocalBoxFuture};
use futures::{StreamExt, stream};
use tokio::task::{self, JoinHandle};
use tokio_zmtp::rpc::{
    Failure, Request, Requester, RequestingSocket, Responder, RespondingSocket, Response,
    service_fn,
};
use tokio_zmtp::{Builder, Client, Dealer, Rep, Server};
use tower::{Service, ServiceExt};

use crate::wire::unique;

#[tokio::test]
async fn every_future_can_be_dropped_wherever_it_waits() {
    drop_everywhere(Client::builder, Server::builder).await;
}

#[tokio::test]
async fn every_future_over_dealer_and_rep_can_be_dropped_wherever_it_waits() {
    drop_everywhere(Dealer::builder, Rep::builder).await;
}

async fn drop_everywhere<S: RequestingSocket, R: RespondingSocket>(
    requester: fn() -> Builder<S>,
    responder: fn() -> Builder<R>,
) {
    for endpoint in ["tcp://127.0.0.1:*", &unique()] {
        for (name, start) in Scene::<S, R>::OPERATIONS {
            let mut is_ready = false;
            for polls in 0..POLLS {
                if is_ready {
                    break;
                }
                let scene = Scene::start(endpoint, requester(), responder()).await;
                let mut operation = tokio_test::task::spawn(start(&scene));
                for _ in 0..polls {
                    is_ready = is_ready || operation.poll().is_ready();
                    turns(polls).await;
                }
                drop(operation);
                scene.end(name, polls).await;
            }
        }
    }
}

pub(crate) type Start<S, R> = fn(&Scene<S, R>) -> LocalBoxFuture<'static, ()>;

/// A requester and a responder, with concurrent calls.
pub(crate) struct Scene<S: RequestingSocket, R: RespondingSocket> {
    requester: Requester<S>,
    server: R,
    responder: Responder<R>,
    serving: JoinHandle<()>,
    callers: Vec<JoinHandle<()>>,
}

impl<S: RequestingSocket, R: RespondingSocket> Scene<S, R> {
    pub(crate) const OPERATIONS: [(&str, Start<S, R>); 6] = [
        ("Requester::call", |scene| {
            let requester = scene.requester.clone();
            Box::pin(async move {
                for body in ["immediately", "later", "immediately"] {
                    // Another operation may have closed the client.
                    let _ = requester.call(body).await;
                }
            })
        }),
        ("Requester::stream", |scene| {
            let mut replies = scene.requester.stream("stream");
            Box::pin(async move { while replies.next().await.is_some() {} })
        }),
        ("Requester::poll_ready", |scene| {
            let mut requester = scene.requester.clone();
            Box::pin(async move {
                for body in ["immediately", "later"] {
                    // The reserved slot is released with the handle.
                    let Ok(ready) = requester.ready().await else { return };
                    turns(2).await;
                    let _ = Service::call(ready, Request::from(body)).await;
                }
            })
        }),
        ("Requester::close", |scene| {
            let requester = scene.requester.clone();
            Box::pin(async move {
                requester.close().await;
            })
        }),
        ("Responder::serve", |scene| {
            scene.serving.abort();
            Box::pin(scene.responder.serve(service_fn(answer)))
        }),
        ("Responder::serve_with_shutdown", |scene| {
            scene.serving.abort();
            let shutdown = async { turns(5).await };
            Box::pin(scene.responder.serve_with_shutdown(service_fn(answer), shutdown))
        }),
    ];

    pub(crate) async fn start(
        endpoint: &str,
        requester: Builder<S>,
        responder: Builder<R>,
    ) -> Self {
        let server = responder.send_hwm(2).recv_hwm(2).bind(endpoint).await.unwrap();
        let responder = Responder::builder(server.clone()).max_running(3).build();
        let endpoint = server.last_endpoint().unwrap();
        let serving = tokio::spawn(responder.serve(service_fn(answer)));
        let builder = requester.send_hwm(2).recv_hwm(2).linger(Duration::ZERO);
        let client = builder.connect(endpoint).await.unwrap();
        let requester = Requester::builder(client).max_outstanding(3).stream_window(2).build();
        let callers = (0..5)
            .map(|number| {
                let requester = requester.clone();
                tokio::spawn(async move {
                    for body in ["immediately", "later"] {
                        turns(number).await;
                        if let Ok(reply) = requester.call(body).await {
                            assert_eq!(reply, body);
                        }
                    }
                })
            })
            .collect();
        Self { requester, server, responder, serving, callers }
    }

    /// Ends both sides. No call may be outstanding then.
    async fn end(self, name: &str, polls: usize) {
        let Self { requester, server, responder, serving, callers } = self;
        turns(20).await;
        server.close().await;
        let _ = serving.await;
        requester.close().await;
        future::join_all(callers).await.into_iter().for_each(|caller| caller.unwrap());
        let (asked, answered) = (requester.stats(), responder.stats());
        let case = format!("{name} after {polls} polls: {asked:#?} {answered:#?}");
        assert!(asked.is_consistent() && asked.outstanding == 0, "{case}");
        assert!(answered.is_consistent() && answered.running + answered.waiting == 0, "{case}");
        assert!(answered.answered >= asked.answered, "{case}");
        assert_eq!(
            asked.unknown + asked.duplicate + asked.malformed + asked.bad_replies,
            0,
            "{case}"
        );
    }
}

async fn answer(request: Request) -> Result<Response, Failure> {
    match request.body().to_str().unwrap() {
        "stream" => {
            let parts = stream::iter(0..10).then(|number: u32| async move {
                task::yield_now().await;
                Ok::<_, Failure>(number.to_string())
            });
            Ok(Response::stream(parts))
        }
        "later" => {
            turns(3).await;
            Ok(Response::new("later"))
        }
        _ => Ok(Response::new(request.into_body())),
    }
}

async fn turns(turns: usize) {
    for _ in 0..turns {
        task::yield_now().await;
    }
}

const POLLS: usize = 24;
