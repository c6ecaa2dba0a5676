//! What both tours share: the command line, the way to the server, and what is shown. The tours themselves are
//! `lxd-ureq/examples/tour-blocking.rs` and `lxd-reqwest/examples/tour-async.rs`.

#![allow(unreachable_pub)] // It is a part of both programs, and of no library.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use lxd_host::{ClientIdentity, Remote, ServerTrust, fetch_certificate};
use lxd_proto::{
    Address, Fingerprint, Proof, Secret,
    error::ApiErrorKind,
    resources::{Event, Instance},
};
use sha2::{Digest, Sha256};
use signal_hook::{consts::SIGINT, flag};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long an event may take to arrive after its cause.
pub const PATIENCE: Duration = Duration::from_secs(60);

const USAGE: &str = "\
    usage: (--image FILE | --alias NAME) [--url URL [--token TOKEN | --password PASSWORD]], where URL is \
    unix:/path/unix.socket, or https://host:8443 with a token or password; without it, the local server is found, or \
    else one is simulated, which brings an image of its own";

/// The command line.
pub struct Options {
    pub url: Option<String>,
    pub proof: Option<Proof>,
    image: Option<Image>,
    /// The server, if it is simulated. Dropped, it is gone.
    simulation: Option<lxd_sim::Server>,
}

/// What the container is made of.
pub enum Image {
    File(PathBuf),
    Alias(String),
}

impl Options {
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (mut url, mut proof, mut image) = (None, None, None);
        while let Some(flag) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{flag} needs a value; {USAGE}"));
            match flag.as_str() {
                "--url" => url = Some(value()?),
                "--token" => proof = Some(Proof::Token(value()?.parse()?)),
                "--password" => proof = Some(Proof::Password(Secret::from(value()?))),
                "--image" => image = Some(Image::File(value()?.into())),
                "--alias" => image = Some(Image::Alias(value()?)),
                _ => return Err(format!("{flag} is unknown; {USAGE}").into()),
            }
        }
        let https = url.as_deref().is_some_and(|url: &str| !url.starts_with("unix:"));
        if https != proof.is_some() {
            return Err(format!("a token or password goes with an https address; {USAGE}").into());
        }
        if url.is_some() && image.is_none() {
            return Err(USAGE.into());
        }
        Ok(Self { url, proof, image, simulation: None })
    }

    /// The way to the server. Over HTTPS, the client has a new identity, which the server does not trust yet.
    pub fn remote(&mut self, screen: &mut Screen) -> Result<Remote> {
        let Some(url) = &self.url else {
            screen.step("Find the local server")?;
            return match Remote::local() {
                Ok(remote) => {
                    screen.say(&remote.address)?;
                    Ok(remote)
                }
                Err(_) => self.simulate(screen),
            };
        };
        let address: Address = url.parse()?;
        if let Address::Unix(path) = address {
            return Ok(Remote::unix(path));
        }
        screen.step(format!("Look at the certificate of {address}"))?;
        let pin = match &self.proof {
            // Whoever made the token knows the server.
            Some(Proof::Token(token)) => token.fingerprint,
            // A program for daily use would ask somebody here, or know the fingerprint.
            _ => fetch_certificate(&address, None, Duration::from_secs(10))?.fingerprint(),
        };
        screen.say(format!("{pin}: nothing else is trusted"))?;
        Ok(Remote::https(url, ServerTrust::Pin(pin))?.identity(ClientIdentity::generate("tour")?))
    }
}

impl Options {
    /// Starts a simulated server in this process.
    fn simulate(&mut self, screen: &Screen) -> Result<Remote> {
        let server = lxd_sim::Server::start()?;
        screen.say("there is none, so this one is simulated")?;
        let socket = server.socket().to_owned();
        if self.image.is_none() {
            // Beside its socket, and removed with it.
            let path = socket.with_file_name("image.tar");
            std::fs::write(&path, lxd_sim::image())?;
            self.image = Some(Image::File(path));
        }
        self.simulation = Some(server);
        Ok(Remote::unix(socket.display().to_string()))
    }

    /// What the container is made of.
    pub fn image(&self) -> Result<&Image> {
        self.image.as_ref().ok_or_else(|| USAGE.into())
    }
}

/// What has to be removed from the server when the tour does not come to its end. It is written down before it is made.
#[derive(Default)]
pub struct Made {
    pub instance: Option<String>,
    pub image: Option<Fingerprint>,
    pub certificate: Option<Fingerprint>,
}

/// Whether something was removed, or was never there. A client that is not trusted has made nothing.
pub fn gone(removed: std::result::Result<(), lxd_proto::Error>) -> Result<()> {
    match removed {
        Err(error) if matches!(error.api(), Some(ApiErrorKind::NotFound | ApiErrorKind::Forbidden)) => Ok(()),
        removed => Ok(removed?),
    }
}

/// What is printed: steps and what came of them on stdout, progress bars on a terminal.
#[derive(Default)]
pub struct Screen {
    step: String,
    interrupted: Arc<AtomicBool>,
}

impl Screen {
    /// From here on the first Ctrl-C ends the tour before its next step, and a second one ends the program at once.
    pub fn watch_for_ctrl_c(&self) -> Result<()> {
        flag::register_conditional_shutdown(SIGINT, 130, self.interrupted.clone())?;
        flag::register(SIGINT, self.interrupted.clone())?;
        Ok(())
    }

    /// Begins a step, unless Ctrl-C was pressed. A step that has begun is ended first: the server may go on with a
    /// request that was cut off, and then there would be something to remove that is not there yet.
    pub fn step(&mut self, text: impl Into<String>) -> Result<()> {
        if self.is_interrupted() {
            return Err("interrupted".into());
        }
        self.step = text.into();
        Ok(writeln!(io::stdout(), "{}", self.step)?)
    }

    /// Says what came of the step. That it cannot be said (nobody reads it any more) ends the tour too.
    pub fn say(&self, text: impl std::fmt::Display) -> Result<()> {
        Ok(writeln!(io::stdout(), "    {text}")?)
    }

    /// Shows how a reader's bytes go by. It fails after Ctrl-C: a transfer can take long.
    pub fn watch<R>(&self, inner: R, length: Option<u64>) -> Watched<R> {
        let bar = match length.filter(|_| io::stderr().is_terminal()) {
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template("    {bar:40} {bytes} of {total_bytes}, {bytes_per_sec}") {
            bar.set_style(style);
        }
        Watched { inner, bar, interrupted: self.interrupted.clone() }
    }

    /// What an image has for a fingerprint: its file's SHA-256.
    pub fn fingerprint(&self, image: &Path) -> Result<Fingerprint> {
        let file = File::open(image)?;
        let length = file.metadata()?.len();
        let mut hash = Sha256::new();
        io::copy(&mut self.watch(file, Some(length)), &mut hash)?;
        Ok(Fingerprint::from_bytes(hash.finalize().into()))
    }

    /// The tour's outcome, with what could not be removed after it.
    pub fn outcome(&self, tour: Result<()>, clean_up: Result<()>) -> Result<()> {
        // However the tour noticed it.
        let tour = tour.map_err(|error| if self.is_interrupted() { "interrupted".into() } else { error });
        match (tour, clean_up) {
            (Err(tour), Err(clean_up)) => Err(format!("{tour}; and it could not be cleaned up: {clean_up}").into()),
            (tour, clean_up) => tour.and(clean_up),
        }
    }

    /// The program's last words: on failure, one line.
    pub fn end(&self, outcome: Result<()>) -> ExitCode {
        let Err(error) = outcome else { return ExitCode::SUCCESS };
        let text = if self.step.is_empty() { error.to_string() } else { format!("{}: {error}", self.step) };
        eprintln!("tour: {}", text.split_whitespace().collect::<Vec<_>>().join(" "));
        ExitCode::from(if self.is_interrupted() { 130 } else { 1 })
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// A reader whose progress is shown.
pub struct Watched<R> {
    pub inner: R,
    bar: ProgressBar,
    interrupted: Arc<AtomicBool>,
}

impl<R> Watched<R> {
    /// So many bytes went by.
    pub fn passed(&self, length: usize) -> io::Result<()> {
        self.bar.inc(length as u64);
        if self.interrupted.load(Ordering::Relaxed) { Err(io::Error::other("interrupted")) } else { Ok(()) }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.passed(length)?;
        Ok(length)
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The name of the container, and of the client in the server's list of trusted ones.
pub fn name() -> String {
    format!("tour-{}", std::process::id())
}

/// What is pushed and pulled: 4 MiB that do not repeat soon.
pub fn content() -> Vec<u8> {
    (0..1_u32 << 20).flat_map(|number| number.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect()
}

/// What the tour has changed in the container's configuration.
pub fn setting(container: &Instance) -> String {
    let value = container.config.get("user.tour").map_or("not set", String::as_str);
    format!("user.tour is {value}")
}

/// What happened, if it happened to this instance.
pub fn happened(event: &Event, instance: &str) -> Option<String> {
    let lifecycle = event.lifecycle()?;
    let path = lifecycle.source.split('?').next()?;
    path.split('/').any(|segment| segment == instance).then(|| lifecycle.action.to_string())
}
