//! The name servers, search domains and options of the system.

use std::error::Error;
use std::io;

use hickory_resolver::config::{ResolverConfig, ResolverOpts};

/// A configuration, and for each of its name servers the number of the network interface over which
/// it is reached, or zero. Hickory-resolver does not read the interfaces.
pub(super) type Configuration = (ResolverConfig, ResolverOpts, Vec<u32>);

pub(super) use self::platform::configuration;

#[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
pub(super) mod platform {
    use std::fs;
    use std::net::{SocketAddr, ToSocketAddrs};

    use hickory_resolver::system_conf;
    use resolv_conf::ScopedIp;

    use super::*;

    pub(crate) fn configuration() -> io::Result<Configuration> {
        parse(&fs::read(RESOLV_CONF)?)
    }

    pub(crate) fn parse(text: &[u8]) -> io::Result<Configuration> {
        let (config, options) = system_conf::parse_resolv_conf(text).map_err(error)?;
        let (parsed, _) = resolv_conf::Config::parse_with_errors(text);
        let interfaces = parsed.nameservers.iter().map(interface).collect::<io::Result<_>>()?;
        Ok((config, edns(options), interfaces))
    }

    fn interface(server: &ScopedIp) -> io::Result<u32> {
        let ScopedIp::V6(address, Some(zone)) = server else { return Ok(0) };
        // The system knows the number of an interface.
        let mut found = (format!("{address}%{zone}"), 0).to_socket_addrs()?;
        Ok(found.next().map_or(0, |found| match found {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(found) => found.scope_id(),
        }))
    }

    const RESOLV_CONF: &str = "/etc/resolv.conf";
}

#[cfg(not(all(unix, not(any(target_os = "android", target_vendor = "apple")))))]
mod platform {
    use hickory_resolver::system_conf;

    use super::*;

    pub(crate) fn configuration() -> io::Result<Configuration> {
        let (config, options) = system_conf::read_system_conf().map_err(error)?;
        Ok((config, edns(options), Vec::new()))
    }
}

/// Accepts answers of up to 1,232 bytes in one datagram. The configuration of the system usually
/// lacks this option, because it is older than the extension.
fn edns(mut options: ResolverOpts) -> ResolverOpts {
    options.edns0 = true;
    options
}

/// Converts an error of the crate, whose type depends on the system.
fn error(error: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
