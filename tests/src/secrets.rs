//! The secrets that the tests meet. When all tests are over, `tests/run` looks for them in everything that was logged.

use std::{fs::OpenOptions, io::Write};

use crate::env;

/// Remembers a secret: no line of it may be in any log.
pub fn secret(text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(env("LXD_TEST_SECRETS")).expect("the secrets");
    // A key is base64 in lines; its first and last lines say nothing, and are in every certificate too.
    let lines: String =
        text.lines().filter(|line| !line.starts_with("-----")).map(|line| format!("{line}\n")).collect();
    assert!(!lines.is_empty() && lines.lines().all(|line| line.len() >= 16), "this would be found anywhere");
    file.write_all(lines.as_bytes()).expect("the secrets");
}
