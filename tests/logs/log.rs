//! Records the log output of the sockets of one test.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{self, DefaultGuard};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The events that the thread of a test has logged since the creation of this value.
pub(crate) struct Journal {
    entries: Arc<Mutex<Vec<Entry>>>,
    _guard: DefaultGuard,
}

/// An event and its enclosing spans, the outermost first.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) level: Level,
    pub(crate) fields: Fields,
    pub(crate) spans: Vec<(&'static str, Fields)>,
}

/// Names and values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(BTreeMap<&'static str, String>);

impl Journal {
    pub(crate) fn start() -> Self {
        let entries = Arc::default();
        let capture = Capture { entries: Arc::clone(&entries) };
        let _guard = subscriber::set_default(Registry::default().with(capture));
        Self { entries, _guard }
    }

    /// Returns all entries with a message.
    pub(crate) fn all(&self, message: &str) -> Vec<Entry> {
        let entries = self.entries.lock().unwrap();
        entries.iter().filter(|entry| entry.message() == message).cloned().collect()
    }

    /// Returns the only entry with a message.
    pub(crate) fn one(&self, message: &str) -> Entry {
        let mut found = self.all(message);
        assert_eq!(found.len(), 1, "{message}: {:#?}", self.entries.lock().unwrap());
        found.remove(0)
    }

    /// Returns the levels and messages of all events in the spans with a name, for a socket type.
    pub(crate) fn logged(&self, span: &str, socket_type: &str) -> Vec<(Level, String)> {
        let entries = self.entries.lock().unwrap();
        let is_of = |entry: &&Entry| {
            let innermost = entry.spans.last();
            innermost.is_some_and(|(name, fields)| {
                *name == span && fields.value("socket_type") == Some(socket_type)
            })
        };
        let logged = entries.iter().filter(is_of);
        logged.map(|entry| (entry.level, entry.message().to_owned())).collect()
    }

    /// Returns the number of entries outside any span.
    pub(crate) fn strays(&self) -> usize {
        self.entries.lock().unwrap().iter().filter(|entry| entry.spans.is_empty()).count()
    }

    /// Returns whether any part of any entry contains a text.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        format!("{:?}", self.entries.lock().unwrap()).contains(text)
    }

    /// Returns the number of entries with a level.
    pub(crate) fn count(&self, level: Level) -> usize {
        self.entries.lock().unwrap().iter().filter(|entry| entry.level == level).count()
    }
}

impl Entry {
    pub(crate) fn message(&self) -> &str {
        self.fields.value("message").unwrap_or_default()
    }

    /// Returns the fields of the enclosing span with a name.
    pub(crate) fn span(&self, name: &str) -> &Fields {
        let [(found, fields)] = &*self.spans else { panic!("{self:?}") };
        assert_eq!(*found, name);
        fields
    }
}

impl Fields {
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.0.insert(field.name(), value.to_string());
    }
}

/// Receives all spans and events of the crate.
struct Capture {
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_follows_from(&self, id: &Id, followed: &Id, context: Context<'_, S>) {
        let followed = context.span(followed).unwrap().metadata().name().to_owned();
        let span = context.span(id).unwrap();
        span.extensions_mut().get_mut::<Fields>().unwrap().0.insert("follows", followed);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !event.metadata().target().starts_with("tokio_zmtp") {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = context.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
        let spans = spans.map(|span| {
            (span.name(), span.extensions().get::<Fields>().cloned().unwrap_or_default())
        });
        let entry = Entry { level: *event.metadata().level(), fields, spans: spans.collect() };
        self.entries.lock().unwrap().push(entry);
    }
}
