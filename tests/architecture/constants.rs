//! The table of tuning constants in ARCHITECTURE.md contains every chosen constant, with its value.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::sources::{SourceFile, files, files_in};

/// Constants whose literal value is not a matter of tuning, by module: a specification, the
/// operating system or another implementation fixes it, it is the default of an option, or it only
/// limits displayed text.
const FIXED: &[(&str, &[&str])] = &[
    ("auth::key_directory", &["FILES_DESCRIBED"]),
    ("driver::listener::serving", &["RESOURCE_LOG_MAX"]),
    ("message", &["DEBUG_BYTES"]),
    ("message::multipart", &["DEBUG_PARTS"]),
    ("metrics", &["SHORTEST_INTERVAL"]),
    ("platform::sockets", &["DEVICE_NAME_MAX"]),
    ("quota", &["LEFT_OUT_MAX"]),
    ("routing::interests", &["COMMAND_BYTES"]),
    ("rpc::clock", &["TICK"]),
    ("rpc::requester::builder", &["MAX_OUTSTANDING", "STREAM_WINDOW"]),
    ("transport::udp::segments", &["BATCH_MAX", "SEGMENTS_MAX"]),
    ("transport::websocket::frames", &["CONTROL_MAX", "HEADER_MAX"]),
    ("transport::websocket::stream", &["OVERHEAD_MAX"]),
    ("transport::websocket::upgrade", &["HEAD_MAX"]),
    ("zmtp_proto::datagram", &["GROUP_MAX", "LEN_MAX"]),
    ("zmtp_proto::endpoint::host_and_port", &["EXAMPLE_PORT"]),
    ("zmtp_proto::endpoint::name", &["NAME_MAX"]),
    ("zmtp_proto::endpoint::tcp", &["RESOURCE_MAX"]),
    ("zmtp_proto::endpoint::websocket", &["HTTPS_PORT", "HTTP_PORT", "PATH_MAX"]),
    ("zmtp_proto::error_reason", &["LEN_MAX"]),
    ("zmtp_proto::frame", &["LONG_LENGTH", "SHORT_LENGTH", "SIZE_MAX"]),
    ("zmtp_proto::greeting", &["LEN", "MAJOR_AT", "MECHANISM_AT", "MINOR_AT", "SIGNATURE_END_AT"]),
    ("zmtp_proto::group", &["LEN_MAX"]),
    ("zmtp_proto::handshake", &["NAME_SHOWN_MAX"]),
    ("zmtp_proto::identity", &["LEN_MAX"]),
    ("zmtp_proto::mechanism::curve", &["LEN"]),
    ("zmtp_proto::mechanism::curve::authenticator", &["KEY", "TAG"]),
    (
        "zmtp_proto::mechanism::curve::client",
        &["HELLO_COUNT", "INITIATE_COUNT", "PADDING", "SIGNED"],
    ),
    ("zmtp_proto::mechanism::curve::key_stream", &["DOUBLE_ROUNDS", "WORDS"]),
    ("zmtp_proto::mechanism::curve::server", &["READY_COUNT"]),
    ("zmtp_proto::mechanism::curve::session", &["NONCE_AT"]),
    ("zmtp_proto::mechanism::curve::z85", &["BYTES", "TEXT"]),
    ("zmtp_proto::mechanism::plain", &["TEXT_MAX"]),
    ("zmtp_proto::metadata", &["VALUE_LEN_MAX"]),
    ("zmtp_proto::ping_pong", &["LEN_MAX", "TTL_LEN", "TTL_MAX"]),
    ("zmtp_proto::probe", &["BEGINNING_LEN"]),
    ("zmtp_proto::proxy_header", &["FIXED_LEN", "IPV4_LEN", "IPV6_LEN", "LINE_MAX", "UNIX_LEN"]),
    ("zmtp_proto::rpc::envelope", &["HEADER"]),
    ("zmtp_proto::rpc::trace_context", &["STATE_MAX"]),
];

/// A constant: its module and its name.
type Constant = (String, String);

#[test]
fn the_table_of_tuning_constants_matches_the_sources() {
    let Ok(page) =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"))
    else {
        return; // The published package lacks this page.
    };
    let (_, section) = page.split_once("\n## Tuning constants\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let table: BTreeMap<_, _> = section.lines().flat_map(row).collect();

    let mut chosen = constants();
    for (module, names) in FIXED {
        for name in *names {
            let fixed = chosen.remove(&(module.to_string(), name.to_string()));
            assert!(fixed.is_some(), "{module}::{name} does not exist");
        }
    }
    let missing: Vec<_> = chosen.keys().filter(|constant| !table.contains_key(*constant)).collect();
    assert!(missing.is_empty(), "the table lacks constants: {missing:#?}");
    for (constant, value) in &table {
        let actual = chosen.get(constant);
        assert_eq!(actual, Some(value), "a row of the table has another value: {constant:?}");
    }
}

/// Returns the constants with a literal value, except those of a `u8` in hexadecimal, which are
/// values on the wire. Times are in milliseconds.
fn constants() -> BTreeMap<Constant, u64> {
    let mut constants = BTreeMap::new();
    for (root, files) in [("", files()), ("zmtp_proto", files_in("proto/src"))] {
        for file in files.iter().filter(|file| !file.is_test()) {
            let module = module_path(root, file);
            let code = file.code_without_tests();
            for (name, value) in code.lines().filter_map(constant) {
                constants.insert((module.clone(), name.to_owned()), value);
            }
        }
    }
    constants
}

fn constant(line: &str) -> Option<(&str, u64)> {
    let (before, after) = line.trim_start().split_once("const ")?;
    let (name, definition) = after.split_once(": ")?;
    let (kind, value) = definition.strip_suffix(';')?.split_once(" = ")?;
    let is_constant = before.is_empty() || before.starts_with("pub");
    let is_on_the_wire = kind == "u8" && value.starts_with("0x");
    (is_constant && !is_on_the_wire).then_some((name, literal(kind, value)?))
}

fn literal(kind: &str, value: &str) -> Option<u64> {
    match kind {
        "Duration" => {
            let (unit, value) = value.strip_prefix("Duration::from_")?.split_once('(')?;
            let factor = match unit {
                "millis" => 1,
                "secs" => 1_000,
                _ => return None,
            };
            Some(factor * literal("u64", value.strip_suffix(')')?)?)
        }
        "u8" | "u16" | "u32" | "u64" | "usize" => {
            let digits = value.replace('_', "");
            match digits.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok(),
                None => digits.parse().ok(),
            }
        }
        _ => None,
    }
}

/// Returns the constants of a row of the table, which can have several constants of one module.
fn row(line: &str) -> Vec<(Constant, u64)> {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [names, values, module, _] = cells[..] else { return Vec::new() };
    let Some(module) = module.strip_prefix('`').and_then(|it| it.strip_suffix('`')) else {
        return Vec::new();
    };
    let (names, values): (Vec<_>, Vec<_>) =
        (names.split(", ").collect(), values.split(", ").collect());
    assert_eq!(names.len(), values.len(), "{line}");
    let row = names.into_iter().zip(values).map(|(name, value)| {
        ((module.to_owned(), name.trim_matches('`').to_owned()), quantity(value))
    });
    row.collect()
}

fn quantity(text: &str) -> u64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: u64 = number.replace(['\u{202f}', ','], "").parse().unwrap();
    number
        * match unit {
            "" | "B" | "ms" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "s" => 1_000,
            _ => panic!("unknown unit: {text}"),
        }
}

fn module_path(root: &str, file: &SourceFile) -> String {
    let path = file.module_path().join("::");
    if root.is_empty() { path } else { format!("{root}::{path}") }
}
