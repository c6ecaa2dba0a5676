//! The one place that writes a URI. Everything that comes from outside is percent-encoded into its own segment or query
//! value, so that no name can become another path.

use alloc::string::String;
use core::fmt::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::Error;

/// What stays readable in a path segment: RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A query value may also show `/`, so that file paths stay readable; `;` must be encoded (Go refuses it since 1.17).
const QUERY: &AsciiSet = &SEGMENT.remove(b'/');

/// A path below `/1.0` with its query, built from encoded parts.
#[derive(Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    has_query: bool,
    refused: Option<String>,
}

impl Path {
    /// `/1.0` itself.
    pub fn root() -> Self {
        Self { text: String::from("/1.0"), has_query: false, refused: None }
    }

    /// Appends words of LXD's own API, such as `images/aliases`. Not for names.
    #[must_use]
    pub fn join(mut self, literal: &'static str) -> Self {
        self.text.push('/');
        self.text.push_str(literal);
        self
    }

    /// Appends a name as one segment. Empty, `.` and `..` are refused when the path is [built](Self::uri): HTTP stacks
    /// and servers resolve them, even encoded, to another path.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        if matches!(name, "" | "." | "..") && self.refused.is_none() {
            self.refused = Some(name.into());
        }
        self.text.push('/');
        self.text.extend(percent_encode(name.as_bytes(), SEGMENT));
        self
    }

    /// Appends a query parameter. The value may be any bytes (file paths are).
    #[must_use]
    pub fn query(mut self, key: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(key);
        self.text.push('=');
        self.text.extend(percent_encode(value.as_ref(), QUERY));
        self
    }

    /// The path and query as a URI without scheme and host.
    ///
    /// # Errors
    /// [`Error::InvalidName`] for a name that was refused, or a path of more than 65,534 bytes.
    pub fn uri(&self) -> Result<http::Uri, Error> {
        match &self.refused {
            Some(name) => Err(Error::InvalidName { name: name.clone() }),
            None => built(&self.text),
        }
    }
}

impl fmt::Debug for Path {
    /// Without the values of secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uri() {
            Ok(uri) => write!(f, "Path({})", redacted(&uri)),
            Err(error) => write!(f, "Path({error})"),
        }
    }
}

/// All that is encoded can be a URI, unless there is too much of it.
fn built(text: &str) -> Result<http::Uri, Error> {
    http::Uri::try_from(text).map_err(|_| Error::InvalidName { name: excerpt(text) })
}

/// Adds `key=value` to a URI that was built here, unless the key is there already.
pub(crate) fn with_query(uri: &http::Uri, key: &'static str, value: &str) -> Result<http::Uri, Error> {
    if has_query(uri, key) {
        return Ok(uri.clone());
    }
    let mut text = String::from(uri.path());
    let query = uri.query().unwrap_or_default();
    let separator = if query.is_empty() { "" } else { "&" };
    let value = percent_encode(value.as_bytes(), QUERY);
    // Writing to a String cannot fail.
    let _ = write!(text, "?{query}{separator}{key}={value}");
    built(&text)
}

/// Whether a URI's query has this key.
pub(crate) fn has_query(uri: &http::Uri, key: &str) -> bool {
    pairs(uri.query().unwrap_or_default()).any(|(there, _)| there == key)
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// The name that a URL in a list ends with: what follows the collection's path, decoded, without its query.
///
/// An alias's name may hold `/`, encoded or not. 5.0.2 encodes most names twice (`two%2520words`), so what is decoded and
/// still is a wholly encoded text is decoded again.
pub(crate) fn name_in_list(url: &str, collection: &Path) -> Option<String> {
    let path = url.split('?').next().unwrap_or_default();
    let collection = collection.text.split('?').next().unwrap_or_default();
    let name = match path.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')) {
        Some(name) => name,
        None => path.rsplit('/').next().unwrap_or_default(),
    };
    let name = decoded(name);
    (!name.is_empty()).then_some(name)
}

/// A name in a URL as it is, whether it was encoded once or twice.
pub(crate) fn decoded(name: &str) -> String {
    let name = percent_decode_str(name).decode_utf8_lossy();
    if is_encoded(&name) { percent_decode_str(&name).decode_utf8_lossy().into_owned() } else { name.into_owned() }
}

/// The value of a key in a URL's query.
pub(crate) fn query_value(url: &str, key: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let (_, value) = pairs(query).find(|(there, _)| *there == key)?;
    let value = value.replace('+', " ");
    Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
}

/// Whether a text is what Go's `url.PathEscape` makes of one that needs it.
fn is_encoded(text: &str) -> bool {
    let mut escapes = text.split('%');
    let safe = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$&+:=@-_.~".contains(&byte));
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    safe(escapes.next().unwrap_or_default())
        && text.contains('%')
        && escapes.all(|part| part.len() >= 2 && part.as_bytes()[..2].iter().all(hex) && safe(part))
}

/// A URI for people: without the values of secrets.
pub fn redacted(uri: &http::Uri) -> String {
    let mut text = String::from(uri.path());
    let Some(query) = uri.query() else { return text };
    for (index, (key, value)) in pairs(query).enumerate() {
        let value = if matches!(key, "secret" | "token" | "password") { ".." } else { value };
        let _ = write!(text, "{}{key}={value}", if index == 0 { '?' } else { '&' });
    }
    text
}

/// The first characters of a text that is too long, or too foreign, to be shown whole.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 200;
    let mut out: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use alloc::{borrow::ToOwned, string::ToString};

    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn names_stay_in_their_segment() {
        for (name, encoded) in [
            ("c1", "c1"),
            ("a/b", "a%2Fb"),
            ("a?b#c%d", "a%3Fb%23c%25d"),
            ("two words", "two%20words"),
            ("line\nbreak", "line%0Abreak"),
            ("...", "..."),
            ("ümlaut", "%C3%BCmlaut"),
        ] {
            let uri = Path::root().join("instances").name(name).uri().unwrap();
            assert_eq!(uri.to_string(), "/1.0/instances/".to_owned() + encoded);
        }
    }

    #[test]
    fn names_that_would_change_the_path_are_refused() {
        for name in ["", ".", ".."] {
            let built = Path::root().join("instances").name(name).join("state").uri();
            assert!(matches!(built, Err(Error::InvalidName { name: refused }) if refused == name));
        }
        let long = "x".repeat(70_000);
        assert!(matches!(Path::root().name(&long).uri(), Err(Error::InvalidName { .. })));
    }

    #[test]
    fn a_query_is_added_once() {
        let plain = Path::root().join("instances").uri().unwrap();
        let once = with_query(&plain, "project", "a b&c").unwrap();
        assert_eq!(once.to_string(), "/1.0/instances?project=a%20b%26c");
        assert_eq!(with_query(&once, "project", "other").unwrap(), once);
        let twice = with_query(&once, "target", "m1").unwrap();
        assert_eq!(twice.to_string(), "/1.0/instances?project=a%20b%26c&target=m1");
    }

    #[test]
    fn names_are_found_in_lists() {
        let aliases = Path::root().join("images/aliases").query("project", "x");
        for (url, name) in [
            ("/1.0/images/aliases/a", Some("a")),
            ("/1.0/images/aliases/a%2Fb?project=x", Some("a/b")),
            ("/1.0/images/aliases/a%252Fb", Some("a/b")),
            ("/1.0/images/aliases/a/b", Some("a/b")),
            ("/1.0/images/aliases/two%252Fparts%2520%2525%252541", Some("two/parts %%41")),
            ("/1.0/images/aliases/100%25", Some("100%")),
            ("/1.0/images/aliases/a%20%2541", Some("a %41")),
            ("/1.0/images/aliases/%C3%BC%2541", Some("ü%41")),
            ("/1.0/containers/x", Some("x")),
            ("", None),
        ] {
            assert_eq!(name_in_list(url, &aliases).as_deref(), name, "{url}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let uri =
            Path::root().join("operations").name("x").query("secret", "s3cr3t").query("timeout", "5").uri().unwrap();
        assert_eq!(redacted(&uri), "/1.0/operations/x?secret=..&timeout=5");
    }

    proptest! {
        #[test]
        fn no_name_escapes(name in any::<String>(), query in any::<String>()) {
            let built = Path::root().join("instances").name(&name).join("files").query("path", &query).uri();
            if matches!(name.as_str(), "" | "." | "..") {
                assert!(built.is_err());
            } else if let Ok(uri) = built {
                let segments: alloc::vec::Vec<_> = uri.path().split('/').collect();
                assert_eq!(segments.len(), 5);
                assert_eq!(percent_decode_str(segments[3]).decode_utf8().unwrap(), name);
                let (_, value) = uri.query().unwrap().split_once('=').unwrap();
                assert_eq!(percent_decode_str(value).decode_utf8().unwrap(), query);
            }
        }
    }
}
