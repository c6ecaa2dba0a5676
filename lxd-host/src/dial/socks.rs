//! SOCKS 5 (RFC 1928), without a login or with name and password (RFC 1929).

use std::{
    io::{self, Read, Write},
    net::IpAddr,
};

use lxd_proto::Secret;

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

pub(super) fn connect(
    stream: &mut (impl Read + Write),
    host: &str,
    port: u16,
    login: Option<&(String, Secret)>,
) -> io::Result<()> {
    let methods: &[u8] = if login.is_some() { &[VERSION, 2, NO_LOGIN, PASSWORD] } else { &[VERSION, 1, NO_LOGIN] };
    stream.write_all(methods)?;
    match (read::<2>(stream)?, login) {
        ([VERSION, NO_LOGIN], _) => {}
        ([VERSION, PASSWORD], Some((user, password))) => log_in(stream, user, password.expose())?,
        ([VERSION, _], _) => return Err(io::Error::other("it wants a login of another kind")),
        _ => return Err(io::Error::other("it is no SOCKS 5 proxy")),
    }
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(ip)) => {
            request.push(IPV4);
            request.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(IPV6);
            request.extend(ip.octets());
        }
        Err(_) => {
            request.push(NAME);
            push_counted(&mut request, host)?;
        }
    }
    request.extend(port.to_be_bytes());
    stream.write_all(&request)?;
    let [_, reply, _, kind] = read::<4>(stream)?;
    if reply != 0 {
        return Err(io::Error::other(format!("it refused to connect to {host}: {}", reason(reply))));
    }
    // The address that the proxy uses itself; only its end matters.
    match kind {
        IPV4 => read::<6>(stream).map(drop),
        IPV6 => read::<18>(stream).map(drop),
        NAME => {
            let [length] = read(stream)?;
            stream.read_exact(&mut vec![0; usize::from(length) + 2])
        }
        _ => Err(io::Error::other("it is no SOCKS 5 proxy")),
    }
}

fn log_in(stream: &mut (impl Read + Write), user: &str, password: &str) -> io::Result<()> {
    let mut request = vec![1];
    push_counted(&mut request, user)?;
    push_counted(&mut request, password)?;
    stream.write_all(&request)?;
    let [_, refused] = read(stream)?;
    if refused == 0 { Ok(()) } else { Err(io::Error::other("it refuses the login")) }
}

fn push_counted(request: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let length = u8::try_from(text.len()).map_err(|_| io::Error::other("the name or password is too long for it"))?;
    request.push(length);
    request.extend(text.as_bytes());
    Ok(())
}

fn read<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn reason(reply: u8) -> &'static str {
    match reply {
        2 => "not allowed",
        3 => "the network cannot be reached",
        4 => "the host cannot be reached",
        5 => "connection refused",
        6 => "it took too long",
        _ => "it failed",
    }
}
