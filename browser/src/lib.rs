//! The ES module for browsers, as files that a program can serve. README.md describes the module.

/// Returns the content of a file of the module, such as `zmtp.mjs`. Its media type is
/// `text/javascript`.
#[must_use]
pub fn file(name: &str) -> Option<&'static str> {
    let (_, content) = FILES.iter().find(|(file, _)| *file == name)?;
    Some(content)
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../", $name)))),*]
    };
}

const FILES: &[(&str, &str)] = files! {
    "backoff.mjs" "body.mjs" "call.mjs" "carrier.mjs" "core.mjs" "deque.mjs" "envelope.mjs" "errors.mjs"
    "events.mjs" "handshake.mjs" "options.mjs" "pipe.mjs" "requester.mjs" "sockets.mjs" "stats.mjs"
    "zmtp.mjs"
};
