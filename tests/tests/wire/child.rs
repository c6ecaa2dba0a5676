//! Tests that need a process of their own: they run themselves again.

use std::{env, process::Command};

use lxd_tests::Lab;

/// In such a process: what it is about.
const ABOUT: &str = "LXD_WIRE_TEST";

/// What this process is about, if it is one.
pub(crate) fn about() -> Option<String> {
    env::var(ABOUT).ok()
}

pub(crate) fn is_one() -> bool {
    about().is_some()
}

/// Runs a test of a module again. The environment has no servers in it.
pub(crate) fn of<C: Lab>(module: &str, test: &str, about: &str) -> Command {
    // By the file itself and not by its name: another user may not be let into its directory.
    let program = if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { env::current_exe().expect("a file") };
    let mut command = Command::new(program);
    command.args(["--exact", &format!("{module}::{}::{test}", C::NAME)]).env(ABOUT, about);
    for name in ["LXD_SOCKET", "LXD_DIR", "INCUS_SOCKET", "INCUS_DIR", "LXD_TEST_LOG"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn assert_passes(mut command: Command) {
    let output = command.output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
