//! Tests that need a process of their own, with an environment of its own: they run themselves again.

use std::{env, process::Command, thread};

/// In such a process: what it is about.
const ABOUT: &str = "LXD_TEST_ABOUT";

/// What this process is about, if it is one.
pub fn about() -> Option<String> {
    env::var(ABOUT).ok()
}

/// Whether this process is one.
pub fn is_one() -> bool {
    about().is_some()
}

/// Runs the test that asks for it again. The environment has no servers in it.
///
/// # Panics
/// When tests do not run in threads of their own, which have their names.
pub fn again(about: &str) -> Command {
    // By the file itself and not by its name: another user may not be let into its directory.
    let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { env::current_exe().expect("a file") };
    let thread = thread::current();
    let test = thread.name().filter(|name| name.contains("::")).expect("a test's thread (not --test-threads 1)");
    let mut command = Command::new(program);
    command.args(["--exact", test, "--include-ignored"]).env(ABOUT, about);
    for name in ["LXD_SOCKET", "LXD_DIR", "LXD_CONF", "INCUS_SOCKET", "INCUS_DIR", "LXD_TEST_LOG"] {
        command.env_remove(name);
    }
    command
}

/// Runs it.
///
/// # Panics
/// When the test fails there.
pub fn assert_passes(mut command: Command) {
    let output = command.output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
