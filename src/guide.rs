//! Guides to subjects that concern several types.
//!
//! These modules contain documentation only.

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

/// The migration from other crates, with programs before and after.
///
/// The programs are those of the folder `docs/guide/migration`, where they are tested.
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
