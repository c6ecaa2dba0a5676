//! LXD's own headers, in one table with Incus's names for them. Each server ignores the other's without a word, and a file
//! would lose its mode and owner: so a request has both, and of an answer either is read.

use http::{HeaderMap, HeaderName, header::CONTENT_LENGTH};

macro_rules! headers {
    ($($(#[$meta:meta])* $constant:ident = $lxd:literal / $incus:literal,)*) => {
        $($(#[$meta])* pub(crate) const $constant: HeaderName = HeaderName::from_static($lxd);)*

        /// LXD's name and Incus's, of every header that is sent or read.
        const NAMES: &[(&str, &str)] = &[$(($lxd, $incus),)*];
    };
}

headers! {
    /// A file's owner, as a number.
    UID = "x-lxd-uid" / "x-incus-uid",
    /// A file's group, as a number.
    GID = "x-lxd-gid" / "x-incus-gid",
    /// A file's mode, octal with a leading zero.
    MODE = "x-lxd-mode" / "x-incus-mode",
    /// A file's type: `file`, `directory` or `symlink`; what an uploaded volume is: `iso` or `tar`.
    TYPE = "x-lxd-type" / "x-incus-type",
    /// When a file was modified, in Go's format.
    MODIFIED = "x-lxd-modified" / "x-incus-modified",
    /// `overwrite` or `append`.
    WRITE = "x-lxd-write" / "x-incus-write",
    /// The name of what is made of an uploaded file.
    NAME = "x-lxd-name" / "x-incus-name",
    /// An uploaded image's file name.
    FILENAME = "x-lxd-filename" / "x-incus-filename",
    /// The fingerprint that an uploaded image must have.
    FINGERPRINT = "x-lxd-fingerprint" / "x-incus-fingerprint",
    /// An imported instance's pool.
    POOL = "x-lxd-pool" / "x-incus-pool",
    /// The profiles of an uploaded image, as a URL query.
    PROFILES = "x-lxd-profiles" / "x-incus-profiles",
    /// Whether an uploaded image is public.
    PUBLIC = "x-lxd-public" / "x-incus-public",
    /// An uploaded image's properties, as a URL query.
    PROPERTIES = "x-lxd-properties" / "x-incus-properties",
}

/// A header's value, if it is a text.
pub(crate) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// How many bytes the body has, if its head says that.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH)?.parse().ok()
}

/// Says what a request's headers say by Incus's names as well.
pub(crate) fn say_twice(headers: &mut HeaderMap) {
    for (lxd, incus) in NAMES {
        if let Some(value) = headers.get(*lxd).cloned() {
            headers.insert(HeaderName::from_static(incus), value);
        }
    }
}

/// Gives the headers of an answer LXD's names.
pub(crate) fn adopt(headers: &mut HeaderMap) {
    if !headers.keys().any(|name| name.as_str().starts_with("x-incus-")) {
        return;
    }
    for (lxd, incus) in NAMES {
        if let Some(value) = headers.remove(*incus) {
            headers.insert(HeaderName::from_static(lxd), value);
        }
    }
}
