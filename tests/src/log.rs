//! All that is logged while the tests run, at level trace, goes to the file `LXD_TEST_LOG`, where one test looks for
//! secrets. Two dependencies print what goes over the wire at trace; of those, debug and above.

use std::{
    fs::OpenOptions,
    sync::{Mutex, Once},
};

use tracing_subscriber::{Layer, filter::FilterFn, layer::SubscriberExt, util::SubscriberInitExt};

/// Begins to log, once for this process.
pub fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(path) = std::env::var("LXD_TEST_LOG") else { return };
        let file = OpenOptions::new().create(true).append(true).open(path).expect("the log");
        let quiet = FilterFn::new(|line| {
            let wire = line.target().starts_with("tungstenite") || line.target().starts_with("ureq_proto");
            !wire || *line.level() <= tracing::Level::DEBUG
        });
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Mutex::new(file)).with_filter(quiet);
        tracing_subscriber::registry().with(layer).init();
    });
}
