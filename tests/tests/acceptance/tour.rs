//! The tours, as their users run them: what they print, how they end, and that they leave nothing behind.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::net::UnixListener,
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use lxd_host::ClientIdentity;
use lxd_proto::{Fingerprint, Lxd};
use lxd_tests::{Server, env, pinned, unique};
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};

macro_rules! tours {
    ($($module:ident, $program:literal, [$($case:ident),*];)*) => {$(
        mod $module {
            $(
                #[test]
                #[ignore = "needs a real LXD, and the examples: tests/run"]
                fn $case() {
                    super::$case($program);
                }
            )*
        }
    )*};
}

tours! {
    ureq_unix, "tour-blocking", [a_whole_life, a_simulated_life, an_image_that_is_none, an_alias_of_none, ctrl_c, ctrl_c_twice, closed_stdout];
    reqwest_unix, "tour-async", [a_whole_life, a_simulated_life, an_image_that_is_none, an_alias_of_none, ctrl_c, ctrl_c_twice, closed_stdout];
    ureq_https, "tour-blocking", [with_a_password, with_a_token, a_wrong_password, a_token_for_another_server];
    reqwest_https, "tour-async", [with_a_password, with_a_token, a_wrong_password, a_token_for_another_server];
}

/// What both print, without the events, over the Unix socket. Over HTTPS there is more at both ends.
const LIFE: &str = "\
Ask the server what it is
    lxd VERSION, trusted
Upload the image FILE
    its fingerprint is IMAGE
Listen to what happens to the container
Create NAME
Start it
    it is Running
Sort 3, 1 and 2 in it
    exit code 0, stdout \"1\\n2\\n3\\n\"
Push a file
    4194304 bytes
Pull it again
    it came back the same, with mode 600
Take the snapshot `before`
Edit its configuration
    user.tour is edited
Restore `before`
    user.tour is not set
Stop it
Delete it
Delete the image
";

const BEFORE_HTTPS: &str = "\
Look at the certificate of URL
    CERTIFICATE: nothing else is trusted
Become trusted
    as NAME
";

const AFTER_HTTPS: &str = "\
Leave the server's list of trusted clients
";

/// The events that every step waits for.
const EVENTS: [&str; 10] = [
    "created",
    "started",
    "exec",
    "file-pushed",
    "file-retrieved",
    "snapshot-created",
    "updated",
    "restored",
    "stopped",
    "deleted",
];

fn a_whole_life(program: &str) {
    let image = Image::new();
    let tour = Tour::new(program, &["--url", &unix(), "--image", image.path()]).run();
    tour.succeeded(&image, LIFE);
}

/// Where there is no server, one is simulated, and the tour is the same.
fn a_simulated_life(program: &str) {
    let image = Fingerprint::from_bytes(Sha256::digest(lxd_sim::image()).into());
    let tour = Tour::new(program, &[]).run();
    assert_eq!((tour.code, tour.stderr.as_str()), (Some(0), ""), "{}", tour.stdout);
    let begin = "Find the local server\n    there is none, so this one is simulated\n";
    let expected = format!("{begin}{LIFE}").replace("VERSION", "5.0.2").replace("NAME", &tour.name);
    let expected = expected.replace("    its fingerprint is IMAGE", &format!("    its fingerprint is {image}"));
    let steps = tour.stdout.lines().filter(|line| !line.starts_with("    event "));
    let steps = steps.map(|line| if line.starts_with("Upload the image") { "Upload the image FILE" } else { line });
    assert_eq!(steps.collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>());
}

fn with_a_password(program: &str) {
    let image = Image::new();
    let arguments = ["--url", &env("LXD_TEST_HTTPS"), "--password", &env("LXD_TEST_PASSWORD"), "--image", image.path()];
    let tour = Tour::new(program, &arguments).run();
    tour.succeeded(&image, &format!("{BEFORE_HTTPS}{LIFE}{AFTER_HTTPS}"));
}

fn with_a_token(program: &str) {
    let image = Image::new();
    let token = server().certificates().token("tour").send().unwrap().encode();
    let arguments = ["--url", &env("LXD_TEST_HTTPS"), "--token", token.expose(), "--image", image.path()];
    let tour = Tour::new(program, &arguments).run();
    tour.succeeded(&image, &format!("{BEFORE_HTTPS}{LIFE}{AFTER_HTTPS}"));
}

fn a_wrong_password(program: &str) {
    let image = Image::new();
    let arguments = ["--url", &env("LXD_TEST_HTTPS"), "--password", "a guess", "--image", image.path()];
    let tour = Tour::new(program, &arguments).run();
    tour.failed(&image, 1, "tour: Become trusted: ");
    assert!(tour.stderr.contains("403"), "{}", tour.stderr);
}

fn a_token_for_another_server(program: &str) {
    let image = Image::new();
    let mut token = server().certificates().token("tour").send().unwrap().token;
    token.fingerprint = ClientIdentity::generate("another").unwrap().fingerprint();
    let url = env("LXD_TEST_HTTPS");
    let tour = Tour::new(program, &["--url", &url, "--token", token.encode().expose(), "--image", image.path()]).run();
    tour.failed(&image, 1, "tour: Become trusted: ");
    assert!(tour.stderr.contains(&token.fingerprint.to_string()), "{}", tour.stderr);
}

fn an_image_that_is_none(program: &str) {
    let image = Image::of(unique("no image").into_bytes());
    let tour = Tour::new(program, &["--url", &unix(), "--image", image.path()]).run();
    tour.failed(&image, 1, "tour: Upload the image ");
}

fn an_alias_of_none(program: &str) {
    let image = Image::new();
    let tour = Tour::new(program, &["--url", &unix(), "--alias", "nobody's"]).run();
    tour.failed(&image, 1, "tour: Look up the image nobody's: ");
    assert!(tour.stderr.contains("404"), "{}", tour.stderr);
}

fn ctrl_c(program: &str) {
    for step in ["Upload ", "Create ", "Start ", "Sort ", "Restore "] {
        let image = Image::new();
        let mut tour = Tour::new(program, &["--url", &unix(), "--image", image.path()]);
        tour.read_until(step);
        tour.interrupt();
        let tour = tour.run();
        tour.failed(&image, 130, "tour: ");
        assert!(tour.stderr.ends_with(": interrupted\n"), "{}", tour.stderr);
        assert!(!tour.stdout.contains("Delete it"), "{}", tour.stdout);
    }
}

/// The second one does not wait for a server that never answers.
fn ctrl_c_twice(program: &str) {
    let socket = PathBuf::from(env("LXD_TEST_DIR")).join(unique("mute"));
    let mute = UnixListener::bind(&socket).unwrap();
    let url = format!("unix:{}", socket.display());
    let mut tour = Tour::new(program, &["--url", &url, "--alias", "any"]);
    let _asked = mute.accept().unwrap();
    // Two that come at once are one, so they come until it ends.
    let status = loop {
        tour.interrupt();
        if let Some(status) = tour.child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.code(), Some(130));
}

/// Whoever read the output has gone: `tour | head`.
fn closed_stdout(program: &str) {
    let image = Image::new();
    let mut tour = Tour::new(program, &["--url", &unix(), "--image", image.path()]);
    tour.read_until("Create ");
    tour.stdout = None;
    tour.run().failed(&image, 1, "tour: ");
}

fn server() -> lxd_ureq::Client {
    Server::unix().lxd
}

fn unix() -> String {
    format!("unix:{}", env("LXD_TEST_UNIX"))
}

/// An image that no other test has: it differs in the time that gzip's header holds.
struct Image {
    path: PathBuf,
    fingerprint: Fingerprint,
}

impl Image {
    fn new() -> Self {
        let mut image = fs::read(env("LXD_TEST_IMAGE")).unwrap();
        let hash = Sha256::digest(unique("image"));
        image[4..8].copy_from_slice(&hash[..4]);
        Self::of(image)
    }

    fn of(content: Vec<u8>) -> Self {
        let path = PathBuf::from(env("LXD_TEST_DIR")).join(unique("image"));
        fs::write(&path, &content).unwrap();
        Self { path, fingerprint: Fingerprint::from_bytes(Sha256::digest(&content).into()) }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A tour that runs.
struct Tour {
    child: Child,
    seen: String,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: ChildStderr,
}

impl Tour {
    fn new(program: &str, arguments: &[&str]) -> Self {
        // target/debug/deps/acceptance-1234 and target/debug/examples/tour-blocking
        let here = std::env::current_exe().unwrap();
        let program = here.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(program);
        let mut command = Command::new(program);
        // No server is found, unless it is named.
        command.env("LXD_DIR", "/nonexistent").env_remove("LXD_SOCKET");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a tour; `cargo build --examples` makes them");
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = child.stderr.take().unwrap();
        Self { child, seen: String::new(), stdout, stderr }
    }

    fn read_until(&mut self, beginning: &str) {
        let stdout = self.stdout.as_mut().unwrap();
        loop {
            let begin = self.seen.len();
            assert!(stdout.read_line(&mut self.seen).unwrap() > 0, "no {beginning:?} in {}", self.seen);
            if self.seen[begin..].starts_with(beginning) {
                return;
            }
        }
    }

    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
    }

    /// Runs it to its end.
    fn run(mut self) -> Ended {
        let mut stderr = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_to_string(&mut self.seen).unwrap();
        }
        self.stderr.read_to_string(&mut stderr).unwrap();
        let status = self.child.wait().unwrap();
        Ended { name: format!("tour-{}", self.child.id()), code: status.code(), stdout: self.seen, stderr }
    }
}

/// A tour that is over.
struct Ended {
    name: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn succeeded(&self, image: &Image, expected: &str) {
        let lxd = server();
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        let url = env("LXD_TEST_HTTPS");
        let expected = expected
            .replace("VERSION", &lxd.server().get().send().unwrap().environment.server_version)
            .replace("FILE", image.path())
            .replace("IMAGE", &image.fingerprint.to_string())
            .replace("NAME", &self.name)
            .replace("CERTIFICATE", &pinned(&url).trust.pin().unwrap().to_string())
            .replace("URL", &url);
        let (events, steps): (Vec<_>, Vec<_>) = self.stdout.lines().partition(|line| line.starts_with("    event "));
        assert_eq!(steps, expected.lines().collect::<Vec<_>>());
        let mut events = events.iter().map(|event| event.trim_start().trim_start_matches("event instance-"));
        for event in EVENTS {
            assert!(events.any(|there| there == event), "no {event} in its place:\n{}", self.stdout);
        }
        self.left_nothing(image);
    }

    fn failed(&self, image: &Image, code: i32, beginning: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.starts_with(beginning), "{}", self.stderr);
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        self.left_nothing(image);
    }

    fn left_nothing(&self, image: &Image) {
        let lxd = server();
        assert!(!lxd.instances().names().send().unwrap().contains(&self.name));
        assert!(!lxd.images().names().send().unwrap().contains(&image.fingerprint.to_string()));
        let certificates = lxd.certificates().list().send().unwrap();
        assert!(certificates.iter().all(|certificate| certificate.name != self.name));
    }
}
