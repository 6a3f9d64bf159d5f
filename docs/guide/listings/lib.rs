//! The listings of the guide, as tests of its chapters, and the generator of its pictures.

pub mod picture;

/// Includes chapters, whose listings are doctests.
macro_rules! chapters {
    ($($name:ident)*) => { $(
        #[doc = include_str!(concat!("../src/", stringify!($name), ".md"))]
        mod $name {}
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
