//! Runs the role of a measured process.

use std::io::{self, BufRead};
use std::time::Instant;
use std::{process, thread};

use tokio::sync::mpsc;

use crate::Failure;
use crate::case::{Runtime, Section};
use crate::implementation::bare::Bare;
use crate::implementation::channel::Channel;
use crate::implementation::libzmq::{Libzmq, LibzmqScatter};
use crate::implementation::libzmq_classic::{DealerRouter, LibzmqPush, LibzmqRequests, ReqRep};
use crate::implementation::libzmq_groups::LibzmqGroups;
use crate::implementation::libzmq_topics::LibzmqTopics;
use crate::implementation::monocoque::{Monocoque, MonocoqueParts};
use crate::implementation::monocoque_req::MonocoqueReq;
use crate::implementation::omq::{Omq, OmqDealer, OmqPush, OmqReq, OmqScatter};
use crate::implementation::omq_batches::OmqBatches;
use crate::implementation::omq_groups::OmqGroups;
use crate::implementation::omq_topics::OmqTopics;
use crate::implementation::rzmq::Rzmq;
use crate::implementation::stamped::Stamped;
use crate::implementation::tokio_zmtp::TokioZmtp;
use crate::implementation::tokio_zmtp_batches::TokioZmtpBatches;
use crate::implementation::tokio_zmtp_classic::{TokioZmtpDealer, TokioZmtpPush, TokioZmtpReq};
use crate::implementation::tokio_zmtp_groups::TokioZmtpGroups;
use crate::implementation::tokio_zmtp_scatter::TokioZmtpScatter;
use crate::implementation::tokio_zmtp_topics::TokioZmtpTopics;
use crate::implementation::tonic::Tonic;
use crate::implementation::zmq_rs::ZmqRs;
use crate::implementation::{
    FanOut, Implementation, Messaging, OneWay, Receiver, Rpc, Sender, Server,
};
use crate::report::{Announce, Done, Report};
use crate::role::{Orders, Part, Role, USED};
use crate::usage::{self, Usage};
use crate::workload::together::{self, one_way_in_tasks, requests_in_tasks};
use crate::workload::{
    awake, crowd, fan_out, flood, handshakes, idle, load, one_way, requests, rpc,
};

impl Role {
    /// Runs until there are no more commands.
    pub(crate) fn play(self) -> Result<(), Failure> {
        usage::allow_many_files()?;
        if let Some(core) = self.core {
            usage::stay_on_core(core)?;
        }
        let orders = take_orders();
        let played = match self.part {
            Part::BothOneWay | Part::BothRequests => self.play_both(orders),
            Part::Caller | Part::Responder => self.play_rpc(orders),
            Part::Proxy => self.play_topics(orders),
            Part::Publisher | Part::Subscribers if self.section == Section::Topics => {
                self.play_topics(orders)
            }
            Part::Publisher | Part::Subscribers => self.play_groups(orders),
            Part::Receiver | Part::Sender if self.section == Section::Scatter => {
                self.play_scatter(orders)
            }
            Part::Receiver | Part::Sender if self.section == Section::Push => {
                self.play_push(orders)
            }
            Part::Receiver | Part::Sender if self.section == Section::Batches => {
                self.play_batches(orders)
            }
            Part::Receiver | Part::Sender if self.section == Section::Parts => {
                self.play_parts(orders)
            }
            Part::Client | Part::Server if self.section == Section::Dealer => {
                self.play_dealer(orders)
            }
            Part::Client | Part::Server if self.section == Section::Req => self.play_req(orders),
            Part::Client | Part::Server if self.section == Section::Load => {
                self.play_load_server(orders)
            }
            Part::Pacer => self.play_pacer(orders),
            Part::Census | Part::Crowd => self.play_crowd(orders),
            Part::Idler => awake::idle(),
            Part::Attacker => on(self.runtime, flood::attack(self, orders)),
            Part::Probe => on(self.runtime, flood::probe(self, orders)),
            Part::Client
            | Part::Holder
            | Part::Receiver
            | Part::Sender
            | Part::Server
            | Part::Visitors => self.play_one(orders),
        };
        if let Err(failure) = &played {
            Report::Failed(failure.to_string()).send();
        }
        played
    }

    /// Runs one end of a connection.
    fn play_one(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        let curve = self.curve;
        match self.implementation {
            Implementation::TokioZmtp if curve => on(runtime, act::<TokioZmtp<true>>(self, orders)),
            Implementation::TokioZmtp | Implementation::TokioZmtpTcp => {
                on(runtime, act::<TokioZmtp>(self, orders))
            }
            Implementation::Libzmq if curve => on_one_thread(act::<Libzmq<true>>(self, orders)),
            Implementation::Libzmq => on_one_thread(act::<Libzmq>(self, orders)),
            Implementation::Omq => on(runtime, act::<Omq>(self, orders)),
            Implementation::Monocoque => on_one_thread(act::<Monocoque>(self, orders)),
            Implementation::ZmqRs => on(runtime, act::<ZmqRs>(self, orders)),
            Implementation::Rzmq => on(runtime, act::<Rzmq>(self, orders)),
            Implementation::Bare => on(runtime, act::<Bare>(self, orders)),
            Implementation::Channel | Implementation::Tonic => {
                Err("the implementation does not transfer messages between processes".into())
            }
        }
    }

    /// Runs a SCATTER or a GATHER.
    fn play_scatter(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_one_way::<TokioZmtpScatter>(self, orders)),
            Implementation::Libzmq => on_one_thread(act_one_way::<LibzmqScatter>(self, orders)),
            Implementation::Omq => on(runtime, act_one_way::<OmqScatter>(self, orders)),
            Implementation::Bare => on(runtime, act_one_way::<Bare>(self, orders)),
            _ => Err("the implementation has neither SCATTER nor GATHER".into()),
        }
    }

    /// Runs a PUSH or a PULL.
    fn play_push(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_one_way::<TokioZmtpPush>(self, orders)),
            Implementation::Libzmq => on_one_thread(act_one_way::<LibzmqPush>(self, orders)),
            Implementation::Omq => on(runtime, act_one_way::<OmqPush>(self, orders)),
            // Their messages one way are sent by a PUSH in every section.
            Implementation::Monocoque | Implementation::ZmqRs | Implementation::Rzmq => {
                self.play_one(orders)
            }
            _ => Err("the implementation has neither PUSH nor PULL".into()),
        }
    }

    /// Runs a PUSH or a PULL with calls for many messages, where the implementation has them.
    fn play_batches(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_one_way::<TokioZmtpBatches>(self, orders)),
            Implementation::Omq => on(runtime, act_one_way::<OmqBatches>(self, orders)),
            Implementation::Libzmq | Implementation::Monocoque => self.play_push(orders),
            _ => Err("the implementation is not measured with batches".into()),
        }
    }

    /// Runs a PUSH or a PULL of messages of three parts.
    fn play_parts(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_one_way::<TokioZmtpPush<3>>(self, orders)),
            Implementation::Libzmq => on_one_thread(act_one_way::<LibzmqPush<3>>(self, orders)),
            Implementation::Omq => on(runtime, act_one_way::<OmqPush<3>>(self, orders)),
            Implementation::Monocoque => {
                on_one_thread(act_one_way::<MonocoqueParts<3>>(self, orders))
            }
            _ => Err("the implementation is not measured with several parts".into()),
        }
    }

    /// Runs a DEALER or a ROUTER.
    fn play_dealer(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_requests::<TokioZmtpDealer>(self, orders)),
            Implementation::Libzmq => {
                on_one_thread(act_requests::<LibzmqRequests<DealerRouter>>(self, orders))
            }
            Implementation::Omq => on(runtime, act_requests::<OmqDealer>(self, orders)),
            // Their requests are sent by a DEALER in every section.
            Implementation::Monocoque | Implementation::ZmqRs | Implementation::Rzmq => {
                self.play_one(orders)
            }
            _ => Err("the implementation has neither DEALER nor ROUTER".into()),
        }
    }

    /// Runs a REQ or a REP.
    fn play_req(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_requests::<TokioZmtpReq>(self, orders)),
            Implementation::Libzmq => {
                on_one_thread(act_requests::<LibzmqRequests<ReqRep>>(self, orders))
            }
            Implementation::Omq => on(runtime, act_requests::<OmqReq>(self, orders)),
            Implementation::Monocoque => on_one_thread(act_requests::<MonocoqueReq>(self, orders)),
            _ => Err("the implementation is not measured with REQ and REP".into()),
        }
    }

    /// Runs a RADIO or DISHes.
    fn play_groups(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_fan_out::<TokioZmtpGroups>(self, orders)),
            Implementation::Libzmq => on_one_thread(act_fan_out::<LibzmqGroups>(self, orders)),
            Implementation::Omq => on(runtime, act_fan_out::<OmqGroups>(self, orders)),
            _ => Err("the implementation has neither RADIO nor DISH".into()),
        }
    }

    /// Runs a PUB, a proxy or SUBs.
    fn play_topics(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_fan_out::<TokioZmtpTopics>(self, orders)),
            Implementation::Libzmq => on_one_thread(act_fan_out::<LibzmqTopics>(self, orders)),
            Implementation::Omq => on(runtime, act_fan_out::<OmqTopics>(self, orders)),
            _ => Err("the implementation is not measured with PUB and SUB".into()),
        }
    }

    /// Runs a caller or a responder.
    fn play_rpc(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_rpc::<TokioZmtp>(self, orders)),
            Implementation::Tonic => on(runtime, act_rpc::<Tonic>(self, orders)),
            _ => Err("the implementation has no remote procedure calls".into()),
        }
    }

    /// Runs the server of requests at a given rate.
    fn play_load_server(self, orders: Orders) -> Result<(), Failure> {
        match self.implementation {
            // `zmq_poll` is made for these types.
            Implementation::Libzmq => self.play_dealer(orders),
            _ => self.play_one(orders),
        }
    }

    /// Runs the client of requests at a given rate.
    fn play_pacer(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => {
                on(runtime, async move { load::ask::<TokioZmtp>(&self, orders).await })
            }
            Implementation::Libzmq => {
                on_one_thread(load::ask::<LibzmqRequests<DealerRouter>>(&self, orders))
            }
            Implementation::Omq => {
                on(runtime, async move { load::ask::<Omq>(&self, orders).await })
            }
            Implementation::Monocoque => on_one_thread(load::ask::<Monocoque>(&self, orders)),
            Implementation::Bare => {
                on(runtime, async move { load::ask::<Bare>(&self, orders).await })
            }
            Implementation::Tonic => {
                on(runtime, async move { load::call::<Tonic>(&self, orders).await })
            }
            _ => Err("the implementation is not measured at a given rate".into()),
        }
    }

    /// Runs either end of many connections.
    fn play_crowd(self, orders: Orders) -> Result<(), Failure> {
        let runtime = self.runtime;
        match self.implementation {
            Implementation::TokioZmtp => on(runtime, act_crowd::<TokioZmtp>(self, orders)),
            Implementation::Libzmq => {
                on_one_thread(act_crowd::<LibzmqRequests<DealerRouter>>(self, orders))
            }
            Implementation::Omq => on(runtime, act_crowd::<Omq>(self, orders)),
            _ => Err("the implementation is not measured with many connections".into()),
        }
    }

    /// Runs both ends inside this process.
    fn play_both(self, orders: Orders) -> Result<(), Failure> {
        match self.part {
            Part::BothRequests => self.play_both_ends_of_requests(orders),
            _ => self.play_both_ends_one_way(orders),
        }
    }

    fn play_both_ends_one_way(self, orders: Orders) -> Result<(), Failure> {
        let (runtime, size) = (self.runtime, self.place.size);
        let scatter = self.section == Section::Scatter;
        match self.implementation {
            Implementation::TokioZmtp if scatter => {
                on(runtime, one_way_in_tasks!(TokioZmtpScatter::inproc(size), orders))
            }
            Implementation::TokioZmtp => {
                on(runtime, one_way_in_tasks!(TokioZmtp::inproc(size), orders))
            }
            Implementation::Libzmq => {
                let ends = if scatter { LibzmqScatter::inproc(size) } else { Libzmq::inproc(size) };
                on_one_thread(together::one_way_in_threads(ends?, orders))
            }
            Implementation::Omq if scatter => {
                on(runtime, one_way_in_tasks!(OmqScatter::inproc(size), orders))
            }
            Implementation::Omq => on(runtime, one_way_in_tasks!(Omq::inproc(size), orders)),
            Implementation::Rzmq => {
                on(runtime, one_way_in_tasks!(Rzmq::inproc_one_way(size), orders))
            }
            Implementation::Channel => {
                on(runtime, one_way_in_tasks!(Channel::inproc_one_way(size), orders))
            }
            Implementation::Bare
            | Implementation::Monocoque
            | Implementation::TokioZmtpTcp
            | Implementation::Tonic
            | Implementation::ZmqRs => Err(NOT_INSIDE.into()),
        }
    }

    fn play_both_ends_of_requests(self, orders: Orders) -> Result<(), Failure> {
        let (runtime, size) = (self.runtime, self.place.size);
        match self.implementation {
            Implementation::TokioZmtp => {
                on(runtime, requests_in_tasks!(TokioZmtp::inproc(size), orders))
            }
            Implementation::Libzmq => {
                on_one_thread(together::requests_in_threads(Libzmq::inproc(size)?, orders))
            }
            Implementation::Omq => on(runtime, requests_in_tasks!(Omq::inproc(size), orders)),
            Implementation::Rzmq => {
                on(runtime, requests_in_tasks!(Rzmq::inproc_requests(size), orders))
            }
            Implementation::Channel => {
                on(runtime, requests_in_tasks!(Channel::inproc_requests(size), orders))
            }
            Implementation::Bare
            | Implementation::Monocoque
            | Implementation::TokioZmtpTcp
            | Implementation::Tonic
            | Implementation::ZmqRs => Err(NOT_INSIDE.into()),
        }
    }
}

/// Runs a non-blocking role as a task of the requested runtime.
fn on(
    runtime: Runtime,
    play: impl Future<Output = Result<(), Failure>> + Send + 'static,
) -> Result<(), Failure> {
    let mut builder = match runtime {
        Runtime::CurrentThread => tokio::runtime::Builder::new_current_thread(),
        Runtime::MultiThread => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(2).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(play).await? })
}

/// Runs a role that may block or must stay on its thread.
fn on_one_thread(play: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, play)
}

async fn act<M: OneWay + Messaging>(role: Role, orders: Orders) -> Result<(), Failure> {
    match role.part {
        Part::Server => requests::serve::<M>(&role).await,
        Part::Client => requests::make::<M>(&role, orders).await,
        Part::Holder => idle::hold::<M>(&role, orders).await,
        Part::Visitors => handshakes::visit::<M>(&role, orders).await,
        _ => act_one_way::<M>(role, orders).await,
    }
}

async fn act_requests<M: Messaging>(role: Role, orders: Orders) -> Result<(), Failure> {
    match role.part {
        Part::Server => requests::serve::<M>(&role).await,
        Part::Client => requests::make::<M>(&role, orders).await,
        _ => Err("the part is not one of requests".into()),
    }
}

async fn act_one_way<O: OneWay>(role: Role, orders: Orders) -> Result<(), Failure> {
    match role.part {
        Part::Receiver => one_way::receive::<O>(&role, orders).await,
        Part::Sender => one_way::send::<O>(&role, orders).await,
        _ => Err("the part is not one of one-way messages".into()),
    }
}

async fn act_fan_out<G: FanOut>(role: Role, orders: Orders) -> Result<(), Failure> {
    match role.part {
        Part::Publisher => fan_out::send::<G>(&role, orders).await,
        Part::Proxy => G::forward(&role.place, &role.endpoint, Announce::new()).await,
        _ => fan_out::receive::<G>(&role, orders).await,
    }
}

async fn act_rpc<R: Rpc>(role: Role, orders: Orders) -> Result<(), Failure> {
    match role.part {
        Part::Responder => rpc::respond::<R>(&role).await,
        _ => rpc::call::<R>(&role, orders).await,
    }
}

async fn act_crowd<S: Stamped>(role: Role, orders: Orders) -> Result<(), Failure> {
    match role.part {
        Part::Census => crowd::count::<S>(&role.place).await,
        _ => crowd::gather::<S>(&role, orders).await,
    }
}

/// Reads commands in a separate thread, which reports the resource usage immediately.
fn take_orders() -> Orders {
    let (tx, rx) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            match line.ok().as_deref().map(|line| (line, line.parse())) {
                Some((_, Ok(count))) => {
                    let _ = tx.send(count);
                }
                Some((USED, _)) => Report::Used(Usage::until_now()).send(),
                _ => break,
            }
        }
        process::exit(0);
    });
    rx
}

const NOT_INSIDE: &str = "the implementation does not connect two ends inside a process";
