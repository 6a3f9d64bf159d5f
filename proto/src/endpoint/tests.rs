use std::net::{Ipv6Addr, SocketAddrV6};
use std::path::Path;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

#[test]
fn every_form_displays_as_it_was_written() {
    for text in [
        "tcp://127.0.0.1:5555",
        "tcp://0.0.0.0:*",
        "tcp://[::1]:5555",
        "tcp://[fe80::1%eth0.100]:1",
        "tcp://*:*",
        "tcp://*:65535",
        "tcp://localhost:5555",
        "tcp://my_service-1.example.org:5555",
        "tcp://192.168.1.1:*;10.0.0.1:5555",
        "tcp://[fe80::1%eth0]:7000;[::1]:5555",
        "tcp://eth0.100:7000;example.org:5555",
        "tcp://*:7000;example.org:5555",
        "tcp://example.org:5555/orders/EU.west-1/$a_b@c&d+e",
        "tcp://lo:*;example.org:5555/orders",
        "tls://*:*",
        "tls://[::1]:5555",
        "tls://192.168.1.1:*;example.org:5555",
        "ws://*:8080/",
        "ws://[::1]:*/orders/EU",
        "wss://lo:*;example.org:443/a%20b?room=7&user=@x",
        "ipc:///run/my service.sock",
        "ipc://relative.sock",
        "ipc://@abstract/name",
        "ipc://*",
        "inproc://any name; with *signs* of:every@kind",
        "udp://127.0.0.1:5555",
        "udp://*:*",
        "udp://[::1]:5555",
        "udp://example.org:5555",
        "udp://239.1.2.3:5555",
        "udp://192.0.2.1;239.1.2.3:5555",
        "udp://eth0.100;[ff02::1]:5555",
        "udp://[fe80::1%eth0];[ff02::1%eth0]:5555",
    ] {
        assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
    }
}

#[test]
fn port_0_is_the_port_that_the_system_picks() {
    assert_eq!(parse("tcp://127.0.0.1:0"), parse("tcp://127.0.0.1:*"));
}

#[test]
fn the_port_of_a_source_can_be_left_out() {
    let Endpoint::Tcp(tcp) = parse("tcp://192.168.1.1;10.0.0.1:5555") else { panic!("is TCP") };
    let source = tcp.source().unwrap();
    assert_eq!((source.host().to_string(), source.port()), ("192.168.1.1".to_owned(), 0));
    assert_eq!(Endpoint::from(tcp), parse("tcp://192.168.1.1:*;10.0.0.1:5555"));
    assert_eq!(parse("tcp://[::1];[::2]:1"), parse("tcp://[::1]:0;[::2]:1"));
}

#[test]
fn a_resource_is_separated_from_the_port_and_keeps_its_case() {
    let Endpoint::Tcp(tcp) = parse("tcp://Localhost:5555/Orders/EU") else { panic!("is TCP") };
    assert_eq!((tcp.port(), tcp.resource()), (5555, Some("Orders/EU")));
    assert_ne!(parse("tcp://localhost:1/a"), parse("tcp://localhost:1"));
}

#[test]
fn an_endpoint_of_tls_has_the_form_of_tcp_without_a_resource() {
    let Endpoint::Tls(tls) = parse("tls://lo;Localhost:5555") else { panic!("is TLS") };
    assert_eq!((tls.host().to_string().as_str(), tls.port()), ("localhost", 5555));
    assert_eq!(Endpoint::from(tls.tcp().clone()), parse("tcp://lo;localhost:5555"));
    assert_ne!(Endpoint::from(tls), parse("tcp://lo;localhost:5555"));
    for (input, kind, end) in [
        (
            "tls://127.0.0.1:80/orders",
            EndpointErrorKind::ResourceOverTls,
            "a `tls` endpoint has no resource; write `tls://127.0.0.1:80`",
        ),
        ("tls://:80", EndpointErrorKind::NoHost, "or `tls://*:80` to bind every interface"),
        ("tls://::1:80", EndpointErrorKind::Ipv6WithoutBrackets, "write `tls://[::1]:80`"),
        (
            ";tls://host:80",
            EndpointErrorKind::UnknownTransport,
            "known are: tcp, tls, ws, wss, ipc, inproc, udp, stream",
        ),
    ] {
        let error = input.parse::<Endpoint>().unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().ends_with(end), "{error}");
    }
}

#[test]
fn an_endpoint_of_websockets_is_a_url() {
    for (input, complete) in [
        ("ws://LocalHost", "ws://localhost:80/"),
        ("ws://localhost/Orders", "ws://localhost:80/Orders"),
        ("ws://localhost:8080?a", "ws://localhost:8080/?a"),
        ("wss://[::1]/orders", "wss://[::1]:443/orders"),
    ] {
        assert_eq!(parse(input).to_string(), complete);
    }
    assert_ne!(parse("ws://localhost:1/a"), parse("ws://localhost:1/A"));
    assert_ne!(parse("ws://localhost:1/"), parse("wss://localhost:1/"));
    let long = format!("wss://localhost/{}", "x".repeat(2048));
    for (input, kind, end) in [
        ("ws://:80/a", EndpointErrorKind::NoHost, "or `ws://*:80` to bind every interface"),
        ("ws://::1/a b", EndpointErrorKind::Ipv6WithoutBrackets, "write `ws://[::1]:5555`"),
        ("wss://::1/a", EndpointErrorKind::Ipv6WithoutBrackets, "write `wss://[::1]:5555/a`"),
        ("ws://host/a b", EndpointErrorKind::PathCharacter(' '), "` ` is not valid in a path"),
        ("ws://host#a", EndpointErrorKind::PathCharacter('#'), "`#` is not valid in a path"),
        (&long, EndpointErrorKind::PathTooLong { bytes: 2049, limit: 2048 }, "limit of 2048"),
    ] {
        let error = input.parse::<Endpoint>().unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().ends_with(end), "{error}");
    }
}

#[test]
fn case_of_a_host_name_does_not_matter() {
    assert_eq!(parse("tcp://LocalHost:1"), parse("tcp://localhost:1"));
}

#[test]
fn an_endpoint_returns_its_host_and_port() {
    let Endpoint::Tcp(tcp) = parse("tcp://[fe80::1%3]:5555") else { panic!("is TCP") };
    assert!(matches!(tcp.host(), Host::Ipv6 { zone: Some(zone), .. } if zone == "3"));
    assert_eq!(tcp.port(), 5555);
}

#[test]
fn a_path_and_an_abstract_name_are_distinguished() {
    let Endpoint::Ipc(path) = parse("ipc:///run/x") else { panic!("is IPC") };
    assert_eq!((path.path(), path.abstract_name()), (Some(Path::new("/run/x")), None));
    let Endpoint::Ipc(name) = parse("ipc://@x") else { panic!("is IPC") };
    assert_eq!((name.path(), name.abstract_name()), (None, Some("x")));
    let Endpoint::Ipc(any) = parse("ipc://*") else { panic!("is IPC") };
    assert!(any.is_wildcard() && any.path().is_none());
}

#[test]
fn unique_names_differ() {
    let [a, b] = [(); 2].map(|()| InprocEndpoint::unique());
    assert_ne!(a, b);
    assert_eq!(parse(&a.to_string()), a.into());
}

#[test]
fn a_socket_address_is_an_endpoint() {
    let address: SocketAddr = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 1, 0, 0).into();
    assert_eq!(Endpoint::from(address), parse("tcp://[::1]:1"));
    let zoned: SocketAddr = "[fe80::1%3]:1".parse().unwrap();
    assert_eq!(Endpoint::from(zoned), parse("tcp://[fe80::1%3]:1"));
}

#[cfg(feature = "serde")]
#[test]
fn an_endpoint_serializes_as_its_text() {
    let text = toml::Value::from("tcp://*:*");
    assert_eq!(text.clone().try_into(), Ok(parse("tcp://*:*")));
    assert_eq!(toml::Value::try_from(parse("tcp://*:*")).unwrap(), text);
    let error = toml::Value::from("*:*").try_into::<Endpoint>().unwrap_err();
    assert!(error.to_string().contains("no transport; write `tcp://*:*`"));
}

#[test]
fn one_signature_takes_every_form() {
    fn take(
        endpoint: impl TryInto<Endpoint, Error: Into<EndpointError>>,
    ) -> Result<Endpoint, EndpointError> {
        endpoint.try_into().map_err(Into::into)
    }
    let text = String::from("tcp://127.0.0.1:1");
    let endpoint = take(text.as_str()).unwrap();
    assert_eq!(take(&text), Ok(endpoint.clone()));
    assert_eq!(take(text), Ok(endpoint.clone()));
    assert_eq!(take(SocketAddr::from(([127, 0, 0, 1], 1))), Ok(endpoint.clone()));
    assert_eq!(take(&endpoint), Ok(endpoint.clone()));
    assert_eq!(take(endpoint.clone()), Ok(endpoint));
}

#[test]
fn an_endpoint_that_can_only_be_bound_is_refused_by_connect() {
    for input in ["tcp://*:80", "tcp://0.0.0.0:80", "tcp://[::]:80", "tcp://[::ffff:0.0.0.0]:80"] {
        let error = check_connectable(&parse(input)).unwrap_err();
        assert_eq!(error.kind(), EndpointErrorKind::WildcardHost);
        assert!(error.to_string().starts_with(&format!("`{input}`: ")));
        assert!(error.to_string().ends_with("such as `tcp://127.0.0.1:80`"));
    }
    let error = check_connectable(&parse("tcp://[::1]:*")).unwrap_err();
    assert_eq!(error.kind(), EndpointErrorKind::WildcardPort);
    assert!(error.to_string().ends_with("such as `tcp://[::1]:5555`"));
    let error = check_connectable(&parse("tls://*:80")).unwrap_err();
    assert_eq!(error.kind(), EndpointErrorKind::WildcardHost);
    assert!(error.to_string().ends_with("such as `tls://127.0.0.1:80`"));
    let error = check_connectable(&parse("wss://*:80/a?b")).unwrap_err();
    assert!(error.to_string().ends_with("such as `wss://127.0.0.1:80/a?b`"));
    let error = check_connectable(&parse("ipc://*")).unwrap_err();
    assert_eq!(error.kind(), EndpointErrorKind::WildcardPath);
    for input in
        ["tcp://localhost:80", "tcp://lo;[::1]:80", "ipc:///run/x", "ipc://@x", "inproc://x"]
    {
        assert_eq!(check_connectable(&parse(input)), Ok(()));
    }
}

#[test]
fn a_source_or_query_is_not_to_be_bound() {
    let error = check_bindable(&parse("tcp://lo;127.0.0.1:80")).unwrap_err();
    assert_eq!(error.kind(), EndpointErrorKind::SourceToBind);
    assert!(error.to_string().ends_with("write `tcp://127.0.0.1:80`"));
    let error = check_bindable(&parse("ws://*:80/a?b")).unwrap_err();
    assert_eq!(error.kind(), EndpointErrorKind::QueryToBind);
    assert!(error.to_string().ends_with("write `ws://*:80/a`"));
    for input in
        ["tcp://*:*", "tcp://*:*/orders", "tcp://eth0:*", "ws://*:*/a", "ipc://*", "inproc://x"]
    {
        assert_eq!(check_bindable(&parse(input)), Ok(()));
    }
}

#[test]
fn a_stream_of_the_application_is_only_dialed_by_it() {
    let stream = Endpoint::from(StreamEndpoint::new("browser-7").unwrap());
    assert_eq!(parse("stream://browser-7"), stream);
    for check in [check_bindable, check_connectable] {
        assert_eq!(check(&stream).unwrap_err().kind(), EndpointErrorKind::NoDialer);
    }
    for input in ["stream://browser-7", "tcp://localhost:80", "ipc:///run/x"] {
        assert_eq!(check_dialable(&parse(input)), Ok(()));
    }
    for (input, kind) in [
        ("inproc://x", EndpointErrorKind::UnexpectedDialer),
        ("udp://127.0.0.1:80", EndpointErrorKind::UnexpectedDialer),
        ("tls://localhost:80", EndpointErrorKind::UnexpectedDialer),
        ("wss://localhost:80", EndpointErrorKind::UnexpectedDialer),
        ("tcp://*:80", EndpointErrorKind::WildcardHost),
    ] {
        assert_eq!(check_dialable(&parse(input)).unwrap_err().kind(), kind);
    }
}

proptest! {
    #[test]
    fn no_text_causes_a_panic(text in any::<String>()) {
        check(&text);
        for transport in ["tcp", "tls", "ws", "wss", "ipc", "inproc", "udp", "stream"] {
            check(&format!("{transport}://{text}"));
        }
    }

    #[test]
    fn no_text_close_to_an_endpoint_causes_a_panic(
        text in r"(tcp|udp|ws)?(://)?[\[\]%:.*0-9a-fé ;/?]{0,24}",
    ) {
        check(&text);
    }

    #[test]
    fn parsing_reverses_formatting(endpoint in endpoints()) {
        prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
    }
}

fn parse(text: &str) -> Endpoint {
    text.parse().unwrap()
}

/// Checks that valid text round-trips, and that the proposal of an error is valid.
fn check(text: &str) {
    match text.parse::<Endpoint>() {
        Ok(endpoint) => assert_eq!(endpoint.to_string().parse(), Ok(endpoint)),
        Err(error) => {
            let shown = error.to_string();
            for transport in ["tcp://", "tls://", "ws://", "wss://", "udp://"] {
                let proposal = shown.rsplit_once(&format!("`{transport}"));
                let Some((before, proposal)) = proposal else { continue };
                if before.ends_with("write ") || before.ends_with("write one such as ") {
                    let proposal = proposal.split('`').next().unwrap();
                    parse(&format!("{transport}{proposal}"));
                }
            }
        }
    }
}

fn endpoints() -> impl Strategy<Value = Endpoint> {
    let address = any::<SocketAddr>().prop_map(Endpoint::from);
    let host = r"\*|[a-zA-Z_-][a-zA-Z0-9._-]{0,20}|\[fe80::[1-9a-f]{1,4}%[a-z0-9._-]{1,8}\]";
    let source = option::of((host, option::of(any::<u16>())));
    let resource = r"(/[a-zA-Z0-9$_@.&+-]{1,8}){0,3}";
    let text = (source, host, any::<u16>(), resource).prop_map(|(source, host, port, resource)| {
        let source = match source {
            Some((host, Some(port))) => format!("{host}:{port};"),
            Some((host, None)) => format!("{host};"),
            None => String::new(),
        };
        parse(&format!("tcp://{source}{host}:{port}{resource}"))
    });
    let path = r"[@/]?[^\x00@*]{1,26}".prop_map(|path| parse(&format!("ipc://{path}")));
    let name = (select(vec!["inproc", "stream"]), r"\PC{1,60}")
        .prop_map(|(transport, name)| parse(&format!("{transport}://{name}")));
    let interface = r"(\*|[a-z][a-z0-9.]{0,8}|192\.0\.2\.1)?";
    let group = r"239\.[0-9]\.[0-9]\.[0-9]|[a-z][a-z0-9.-]{0,20}";
    let udp = (interface, group, any::<u16>()).prop_map(|(interface, group, port)| {
        let separator = if interface.is_empty() { "" } else { ";" };
        parse(&format!("udp://{interface}{separator}{group}:{port}"))
    });
    let host = r"[a-z][a-z0-9.-]{0,20}|\[::[1-9a-f]{1,4}\]";
    let path_and_query = r"(/[a-zA-Z0-9$_@.&+%;=-]{0,8}){0,3}(\?[a-z0-9=&/]{0,9})?";
    let websocket = (select(vec!["ws", "wss"]), host, option::of(any::<u16>()), path_and_query)
        .prop_map(|(transport, host, port, path)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            parse(&format!("{transport}://{host}{port}{path}"))
        });
    prop_oneof![address, text, path, name, udp, websocket]
}
