//! Which proxy the environment names, and which hosts it excepts.

use std::net::IpAddr;

use super::Proxy;
use crate::Error;

pub(super) fn proxy(env: impl Fn(&str) -> Option<String>, host: &str) -> Result<Option<Proxy>, Error> {
    let first = |names: &[&'static str]| {
        names.iter().find_map(|name| env(name).filter(|value| !value.is_empty()).map(|value| (*name, value)))
    };
    let Some((name, url)) = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) else {
        return Ok(None);
    };
    let excepted = first(&["NO_PROXY", "no_proxy"]).is_some_and(|(_, list)| excepts(&list, host));
    if excepted || is_this_machine(host) {
        return Ok(None);
    }
    url.parse().map(Some).map_err(|error| Error::Proxy(format!("{name}: {error}")))
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn excepts(list: &str, host: &str) -> bool {
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| matches(entry, host))
}

fn matches(entry: &str, host: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(host) = host.parse::<IpAddr>() {
        let entry = entry.trim_start_matches('[').trim_end_matches(']');
        return match entry.split_once('/') {
            Some((network, length)) => is_in(host, network, length).unwrap_or(false),
            None => entry.parse() == Ok(host),
        };
    }
    let entry = entry.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    // `example.com` means itself and what is below it, but not `badexample.com`.
    !entry.is_empty() && host.strip_suffix(&entry).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

fn is_in(host: IpAddr, network: &str, length: &str) -> Option<bool> {
    let length: u32 = length.parse().ok()?;
    // Both as the first bits of a 128-bit number, so that one shift serves both families.
    let (host, network, width) = match (host, network.parse().ok()?) {
        (IpAddr::V4(host), IpAddr::V4(network)) => (u128::from(host.to_bits()), u128::from(network.to_bits()), 32),
        (IpAddr::V6(host), IpAddr::V6(network)) => (host.to_bits(), network.to_bits(), 128),
        _ => return None,
    };
    let rest = u32::checked_sub(width, length)?;
    Some((host ^ network).checked_shr(rest).unwrap_or(0) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(set: &[(&str, &str)], host: &str) -> Option<String> {
        let env = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        proxy(env, host).unwrap().map(|proxy| proxy.to_string())
    }

    #[test]
    fn the_first_variable_counts() {
        assert_eq!(chosen(&[], "h"), None);
        assert_eq!(chosen(&[("HTTP_PROXY", "a")], "h"), None);
        assert_eq!(chosen(&[("https_proxy", "b"), ("ALL_PROXY", "c")], "h").unwrap(), "http://b:80");
        assert_eq!(chosen(&[("HTTPS_PROXY", ""), ("all_proxy", "socks5h://c")], "h").unwrap(), "socks5h://c:1080");
    }

    #[test]
    fn a_wrong_url_is_an_error_and_not_no_proxy() {
        let error = proxy(|name| (name == "HTTPS_PROXY").then(|| "ftp://x".into()), "h").unwrap_err();
        assert!(error.to_string().starts_with("HTTPS_PROXY: "), "{error}");
    }

    #[test]
    fn exceptions() {
        for (list, host, excepted) in [
            ("", "h", false),
            ("*", "h", true),
            ("h", "h", true),
            ("x, H ,y", "h", true),
            ("example.com", "example.com", true),
            ("example.com", "lxd.example.com", true),
            (".example.com", "lxd.example.com", true),
            ("*.example.com", "lxd.example.com", true),
            ("example.com", "badexample.com", false),
            ("example.com", "example.com.evil", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.11", false),
            ("0.0.0.1", "10.0.0.1", false),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "10.0.0.1", false),
            ("[::2]", "::2", true),
            ("10.0.0.0/8", "ten.example", false),
        ] {
            assert_eq!(chosen(&[("ALL_PROXY", "p"), ("NO_PROXY", list)], host).is_none(), excepted, "{list} {host}");
        }
        for local in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"] {
            assert_eq!(chosen(&[("ALL_PROXY", "p")], local), None);
        }
    }
}
