//! Proxies between here and the server: requests and websockets go through them, and what they refuse is their fault.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use lxd_host::Remote;
use lxd_proto::{FailureKind, Lxd};
use lxd_tests::Lab;
use serde_json::json;

use crate::server::{Fake, LONG, Way, event};

crate::cases! {
    once: through_a_proxy, a_proxy_that_refuses, a_proxy_that_is_not_there, a_wrong_server_behind_a_proxy;
}

/// `me:p@ss` in base64, and in URLs.
const BASIC: &str = "bWU6cEBzcw==";
const LOGIN: &str = "me:p%40ss@";

/// Serves one client of a proxy: says where it wants to, or nothing if it was refused.
type Greet = fn(&mut TcpStream) -> io::Result<Option<String>>;

/// A proxy, and where it was asked to connect to. It ends with the process.
struct Between {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Between {
    fn new(greet: Greet) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let shared = asked.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                thread::spawn(move || relay(client, greet, &shared));
            }
        });
        Self { port, asked }
    }

    /// The way to a server through it, with a URL that has `PORT` in it.
    fn before(&self, fake: &Fake, url: &str) -> Remote {
        fake.remote().proxy(url.replace("PORT", &self.port.to_string()).parse().unwrap())
    }
}

fn relay(mut client: TcpStream, greet: Greet, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    client.set_read_timeout(Some(LONG))?;
    let Some(target) = greet(&mut client)? else { return Ok(()) };
    asked.lock().unwrap().push(target.clone());
    let mut server = TcpStream::connect(target)?;
    let (mut to_server, mut from_client) = (server.try_clone()?, client.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)
    });
    let _ = io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = there.join();
    Ok(())
}

/// An HTTP proxy's head, until its empty line.
fn head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read::<1>(client)?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn read<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn http(client: &mut TcpStream) -> io::Result<Option<String>> {
    let head = head(client)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    Ok(head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).map(String::from))
}

fn http_with_login(client: &mut TcpStream) -> io::Result<Option<String>> {
    let head = head(client)?;
    if !head.to_lowercase().contains(&format!("proxy-authorization: basic {BASIC}\r\n").to_lowercase()) {
        client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")?;
        return Ok(None);
    }
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    Ok(head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).map(String::from))
}

fn forbidding(client: &mut TcpStream) -> io::Result<Option<String>> {
    head(client)?;
    client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")?;
    Ok(None)
}

fn hanging_up(client: &mut TcpStream) -> io::Result<Option<String>> {
    read::<3>(client)?;
    Ok(None)
}

/// SOCKS 5 after the login.
fn socks_target(client: &mut TcpStream, reply: u8) -> io::Result<Option<String>> {
    let [_, _, _, kind] = read::<4>(client)?;
    let host = match kind {
        1 => Ipv4Addr::from(read::<4>(client)?).to_string(),
        3 => {
            let [length] = read::<1>(client)?;
            let mut name = vec![0; usize::from(length)];
            client.read_exact(&mut name)?;
            String::from_utf8_lossy(&name).into_owned()
        }
        _ => return Ok(None),
    };
    let port = u16::from_be_bytes(read::<2>(client)?);
    client.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok((reply == 0).then(|| format!("{host}:{port}")))
}

fn methods(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let [_, count] = read::<2>(client)?;
    let mut methods = vec![0; usize::from(count)];
    client.read_exact(&mut methods)?;
    Ok(methods)
}

fn socks(client: &mut TcpStream) -> io::Result<Option<String>> {
    methods(client)?;
    client.write_all(&[5, 0])?;
    socks_target(client, 0)
}

fn socks_with_login(client: &mut TcpStream) -> io::Result<Option<String>> {
    if !methods(client)?.contains(&2) {
        client.write_all(&[5, 0xff])?;
        return Ok(None);
    }
    client.write_all(&[5, 2])?;
    let mut login = Vec::new();
    let [_, length] = read::<2>(client)?;
    for _ in 0..length {
        login.extend(read::<1>(client)?);
    }
    login.push(b':');
    let [length] = read::<1>(client)?;
    for _ in 0..length {
        login.extend(read::<1>(client)?);
    }
    let good = login == b"me:p@ss";
    client.write_all(&[1, u8::from(!good)])?;
    if good { socks_target(client, 0) } else { Ok(None) }
}

fn socks_refusing(client: &mut TcpStream) -> io::Result<Option<String>> {
    methods(client)?;
    client.write_all(&[5, 0])?;
    socks_target(client, 5)
}

fn server() -> Fake {
    Fake::answering(Way::Tls, |asked, talk| {
        if asked.header("upgrade").is_some() {
            talk.open_websocket(asked, &event(1));
        } else {
            talk.sync(&json!({}));
        }
    })
}

/// pylxd: P044.
fn through_a_proxy<C: Lab>() {
    let cases: [(Greet, &str); 7] = [
        (http, "http://127.0.0.1:PORT"),
        (http, "http://LOGIN127.0.0.1:PORT"),
        (http_with_login, "http://LOGIN127.0.0.1:PORT"),
        (socks, "socks5://127.0.0.1:PORT"),
        (socks, "socks5h://127.0.0.1:PORT"),
        (socks_with_login, "socks5://LOGIN127.0.0.1:PORT"),
        (socks_with_login, "socks5h://LOGIN127.0.0.1:PORT"),
    ];
    for (greet, url) in cases {
        let (fake, between) = (server(), Between::new(greet));
        let remote = between.before(&fake, &url.replace("LOGIN", LOGIN));
        C::connect(remote.clone()).server().get().send().unwrap();
        let _event = C::connect(remote).events().subscribe().send().unwrap().next().unwrap().unwrap();
        assert_eq!(fake.lines(), ["GET /1.0", "GET /1.0/events"], "{url}");
        let there = fake.remote().address.authority().unwrap();
        assert_eq!(*between.asked.lock().unwrap(), [there.clone(), there], "{url}");
        // The proxy's login is not the server's business.
        assert!(fake.seen().iter().all(|asked| asked.header("proxy-authorization").is_none()));
    }
}

fn assert_blamed<C: Lab>(remote: Remote, what: &str) {
    let lxd = C::connect(remote);
    let events = lxd.events().subscribe().send();
    for failed in [lxd.server().get().send().map(drop), events.map(drop)] {
        let failed = failed.unwrap_err();
        assert_eq!(failed.transport().unwrap().kind, FailureKind::Proxy, "{what}: {failed:?}");
        let text = format!("{failed} {failed:?}");
        assert!(!text.contains("p@ss") && !text.contains("p%40ss") && !text.contains(BASIC), "{text}");
    }
}

fn a_proxy_that_refuses<C: Lab>() {
    let cases: [(Greet, &str); 10] = [
        (forbidding, "http://127.0.0.1:PORT"),
        (http_with_login, "http://127.0.0.1:PORT"),
        (http_with_login, "http://you:p%40ss@127.0.0.1:PORT"),
        (hanging_up, "http://LOGIN127.0.0.1:PORT"),
        (hanging_up, "socks5h://127.0.0.1:PORT"),
        (socks_with_login, "socks5://127.0.0.1:PORT"),
        (socks_with_login, "socks5://you:p%40ss@127.0.0.1:PORT"),
        (socks_refusing, "socks5://127.0.0.1:PORT"),
        (socks_refusing, "socks5h://127.0.0.1:PORT"),
        (forbidding, "http://LOGIN127.0.0.1:PORT"),
    ];
    for (greet, url) in cases {
        let (fake, between) = (server(), Between::new(greet));
        assert_blamed::<C>(between.before(&fake, &url.replace("LOGIN", LOGIN)), url);
        assert_eq!(fake.connections(), 0, "{url}");
    }
}

fn a_proxy_that_is_not_there<C: Lab>() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let fake = server();
    for kind in ["http", "socks5", "socks5h"] {
        let url = format!("{kind}://{LOGIN}127.0.0.1:{port}");
        assert_blamed::<C>(fake.remote().proxy(url.parse().unwrap()), kind);
    }
    assert_eq!(fake.connections(), 0);
}

/// The handshake is with the server, through the proxy, and its failures are not the proxy's.
fn a_wrong_server_behind_a_proxy<C: Lab>() {
    let cases: [(Greet, &str); 2] = [(http, "http://127.0.0.1:PORT"), (socks, "socks5h://127.0.0.1:PORT")];
    for (greet, url) in cases {
        let between = Between::new(greet);
        let fake = server();
        let mut remote = between.before(&fake, url);
        remote.trust = lxd_proto::Fingerprint::from_bytes([7; 32]).into();
        let failed = C::connect(remote).server().get().send().unwrap_err();
        let kind = &failed.transport().unwrap().kind;
        assert!(matches!(kind, FailureKind::WrongCertificate { .. }), "{failed:?}");
        let silent = Fake::new(Way::Tls, |_, _| {});
        let failed = C::connect(between.before(&silent, url)).server().get().send().unwrap_err();
        assert_eq!(failed.transport().unwrap().kind, FailureKind::Tls, "{failed:?}");
    }
}
