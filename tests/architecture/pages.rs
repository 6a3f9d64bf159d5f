//! The pages of the socket types have their sections in one order.

use crate::sources::files;

/// The sections at the end of every page, in order. Sections that are particular to a type are
/// between *Characteristics* and *Mute state*.
const LAST: &[&[&str]] = &[
    &["Mute state"],
    &["Remotes that fail silently"],
    &["Lock step", "Stream and Sink", "Sink", "Stream"],
    &["Cooperative scheduling"],
    &["Ending"],
];

#[test]
fn pages_of_socket_types_have_their_sections_in_one_order() {
    let mut pages = 0;
    for file in files() {
        let Some((page, _)) = file.text.split_once("\nimpl Kind for ") else { continue };
        pages += 1;
        let path = file.path.display();
        let outside_of_code = page.split("/// ```").step_by(2).flat_map(str::lines);
        let sections: Vec<_> = outside_of_code.filter_map(section).collect();
        assert_eq!(sections[..2], ["Examples", "Characteristics"], "{path}");
        let last = &sections[sections.len().saturating_sub(LAST.len())..];
        let are_in_order = LAST.iter().zip(last).all(|(titles, title)| titles.contains(title));
        assert!(are_in_order, "{path}: {last:?}");
    }
    assert!(pages >= 8, "the pages have another form");
}

/// Returns the title of the section that begins in a line.
fn section(line: &str) -> Option<&str> {
    let shared =
        line.strip_prefix("#[doc = ").and_then(|text| text.split_once("!(")).map(|it| it.0);
    match shared {
        Some("cooperative_scheduling") => Some("Cooperative scheduling"),
        Some("ending" | "ending_of_receiver") => Some("Ending"),
        Some("mute_state" | "mute_state_of_each_remote" | "mute_state_of_only_remote") => {
            Some("Mute state")
        }
        Some("only_remote") => Some("The only remote"),
        Some("parts") => Some("Parts"),
        Some("silent_failures") => Some("Remotes that fail silently"),
        Some("sink") => Some("Sink"),
        Some("stream") => Some("Stream"),
        Some("stream_and_routing_sink" | "stream_and_sink") => Some("Stream and Sink"),
        _ => line.strip_prefix("/// # "),
    }
}
