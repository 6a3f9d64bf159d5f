//! The guide, and references on subjects that concern several types.
//!
//! These modules contain documentation only. The chapters of the guide are, in order:
//!
//! | Chapter | Subject |
//! |---|---|
//! | `first_service` | your first service |
//! | `sockets` | which socket |
//! | `backpressure` | back-pressure |
//! | `reliability` | reliability |
//! | `calls` | calls |
//! | `http_and_grpc` | HTTP and gRPC |
//! | `security` | security and key rotation |
//! | `discovery` | discovery and Kubernetes |
//! | `monitoring` | observability |
//! | `testing` | testing |
//! | `shutdown` | shutdown |
//! | `web_pages` | web pages |
//! | `tuning` | tuning |
//! | `wire` | the wire |
//! | `troubleshooting` | troubleshooting |
//!
//! `migration` describes the migration from other libraries. The other modules are references:
//! `browsers`, `endpoints`, `from_pyzmq`, `keys`, `limits`, `observability` and `tls`. The chapters
//! are included if the features `http`, `metrics`, `rpc`, `serde` and `tls` are enabled.

#[doc = include_str!("guide/browsers.md")]
pub mod browsers {}

#[doc = include_str!("guide/endpoints.md")]
pub mod endpoints {}

#[doc = include_str!("guide/from_pyzmq.md")]
pub mod from_pyzmq {}

#[doc = include_str!("guide/keys.md")]
pub mod keys {}

#[doc = include_str!("guide/limits.md")]
pub mod limits {}

/// Migration from other libraries, with programs before and after.
///
/// The programs are in the directory `docs/guide/migration`, where they are tested.
#[cfg(all(doc, not(doctest)))]
pub mod migration {
    #[doc = include_str!("../docs/guide/src/migration/async_nats.md")]
    pub mod async_nats {}

    #[doc = include_str!("../docs/guide/src/migration/libzmq.md")]
    pub mod libzmq {}

    #[doc = include_str!("../docs/guide/src/migration/omq_tokio.md")]
    pub mod omq_tokio {}

    #[doc = include_str!("../docs/guide/src/migration/tmq.md")]
    pub mod tmq {}

    #[doc = include_str!("../docs/guide/src/migration/tonic.md")]
    pub mod tonic {}

    #[doc = include_str!("../docs/guide/src/migration/zeromq.md")]
    pub mod zeromq {}

    #[doc = include_str!("../docs/guide/src/migration/zmq.md")]
    pub mod zmq {}
}

#[doc = include_str!("guide/observability.md")]
pub mod observability {}

#[cfg(feature = "tls")]
#[doc = include_str!("guide/tls.md")]
pub mod tls {}

/// Declares the chapters of the book in `docs/guide`, where their listings are tests.
///
/// The definitions of links in `rustdoc.md` precede those in the chapters, and therefore prevail.
/// They refer to items of several features.
macro_rules! chapters {
    ($($name:ident)*) => { $(
        #[cfg(all(
            doc,
            not(doctest),
            feature = "http",
            feature = "metrics",
            feature = "rpc",
            feature = "serde",
            feature = "tls",
        ))]
        #[doc = include_str!("../docs/guide/rustdoc.md")]
        #[doc = include_str!("../docs/guide/pictures/rustdoc.md")]
        #[doc = include_str!(concat!("../docs/guide/src/", stringify!($name), ".md"))]
        pub mod $name {}
    )* };
}

chapters! {
    first_service
    sockets
    backpressure
    reliability
    calls
    http_and_grpc
    security
    discovery
    monitoring
    testing
    shutdown
    web_pages
    tuning
    wire
    troubleshooting
}
