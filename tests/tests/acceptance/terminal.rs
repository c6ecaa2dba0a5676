//! A terminal for somebody else's websockets, as those of a browser.

use std::{os::unix::net::UnixStream, time::Duration};

use lxd_proto::{Lxd, Secret};
use lxd_tests::{Lab, Server, env, everywhere, secret};
use tungstenite::{Message, WebSocket};

everywhere!(is_handed_on);

/// pylxd: P040, P173, P174.
fn is_handed_on<C: Lab>(server: &Server<C>) {
    let container = server.running("terminal");
    let exec = container.exec(["sh", "-c", "stty size; read line; exit $line"]).env("TERM", "dumb");
    let terminal = exec.terminal().size(101, 41).send().unwrap();
    assert!(!format!("{terminal:?}").contains("secret="), "its paths let anybody in");

    let control = connect(&terminal.control);
    let mut data = connect(&terminal.data);
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("41 101") {
        if let Message::Binary(bytes) = data.read().unwrap() {
            shown.extend_from_slice(&bytes);
        }
    }
    data.send(Message::binary("7\n")).unwrap();
    // The end mark is an empty text.
    while !matches!(data.read().unwrap(), Message::Text(_)) {}
    drop((data, control));
    let wait = server.lxd.operation(terminal.operation.clone()).wait().timeout(Duration::from_secs(30));
    assert_eq!(wait.send().unwrap().return_code(), Some(7));
}

fn connect(path: &Secret) -> WebSocket<UnixStream> {
    secret(path.expose().rsplit('=').next().unwrap());
    let stream = UnixStream::connect(env("LXD_TEST_UNIX")).unwrap();
    // Only so that a test that goes wrong ends.
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    tungstenite::client(format!("ws://lxd{}", path.expose()), stream).unwrap().0
}
