//! What keeps a client right when the server is older, newer or a fork: tolerant models, open enums, unknown fields,
//! status codes, timestamps and secrets.
//!
//! The rules, and where they come from:
//!
//! * Everything but a name has a default, and `null` is a default too: Go sends `null` for an empty map or list.
//! * New keys appear without notice (LXD's API documentation promises only additions). Types that are written back keep
//!   them in an [`Extra`]; read-only types drop them.
//! * String enums are open: an unknown value is kept as it came and written back the same.

mod status_code;
mod timestamp;

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize};

pub use status_code::StatusCode;
pub use timestamp::Timestamp;

/// Decodes `null` as the default, for every field of every [`model!`].
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Whether a request's field can be left out, because the server takes a missing one for the same value.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Declares objects of LXD that are read: every field has a default, and `null` is that default.
///
/// With `#[derive(Serialize)]` on top they are also written, each key of them.
macro_rules! model {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* #[serde(deserialize_with = "crate::compat::null_default")] pub $field: $type,)*
        }
    )*};
}

/// Declares what can be written back with `PUT`: a [`model!`] that keeps the keys it does not know. After a `/` stands
/// the name of the same for `PATCH`: each key can be left out there.
macro_rules! writable {
    () => {};
    (
        $(#[$meta:meta])* pub struct $name:ident / $patch:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
        $($rest:tt)*
    ) => {
        #[doc = concat!("The keys of a [`", stringify!($name), "`] that are to change.")]
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        pub struct $patch {
            $($(#[$field_meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        $crate::compat::writable! {
            $(#[$meta])* pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
            $($rest)*
        }
    };
    (
        $(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }
        $($rest:tt)*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(default)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* #[serde(deserialize_with = "crate::compat::null_default")] pub $field: $type,)*
            /// The keys of a newer server, kept so that writing back loses none of them.
            #[serde(flatten)]
            pub extra: $crate::compat::Extra,
        }

        $crate::compat::writable! { $($rest)* }
    };
}

/// Declares a request's body: fields at their default are not sent, because the server takes a missing one for the same.
///
/// After a field stands the API extension that it needs, if it is younger than the object, or `inner` when what is in it
/// has such fields. A server without the extension would take no notice of the field.
macro_rules! request {
    ($($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty $(= $extension:tt)?,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* #[serde(skip_serializing_if = "crate::compat::is_default")] pub $field: $type,)*
        }

        impl $crate::compat::Needs for $name {
            fn needs(&self) -> alloc::vec::Vec<&'static str> {
                #[allow(unused_mut)] // of those that need nothing
                let mut needs = alloc::vec::Vec::new();
                $($($crate::compat::need!(needs, self.$field, $extension);)?)*
                needs
            }
        }
    )*};
}

macro_rules! need {
    ($needs:ident, $value:expr, inner) => {
        $needs.extend($crate::compat::Needs::needs(&$value));
    };
    ($needs:ident, $value:expr, $extension:literal) => {
        if !$crate::compat::is_default(&$value) {
            $needs.push($extension);
        }
    };
}

/// What a request's body asks for that not every server has.
pub trait Needs {
    /// The API extensions that the fields that are set need.
    fn needs(&self) -> Vec<&'static str>;
}

impl<T: Needs> Needs for Option<T> {
    fn needs(&self) -> Vec<&'static str> {
        self.iter().flat_map(T::needs).collect()
    }
}

/// Declares a string enum that keeps the values it does not know, and writes them back as they came.
macro_rules! open_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
            #[doc(hidden)]
            _Unknown($crate::compat::Unknown),
        }

        impl $name {
            /// The value as LXD spells it.
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $text,)* Self::_Unknown(text) => text.as_str() }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text { $($text => Self::$variant,)* _ => Self::_Unknown($crate::compat::Unknown::new(text)) }
            }
        }

        impl Default for $name {
            /// The empty text, which LXD takes for "not said".
            fn default() -> Self { Self::from("") }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { f.write_str(self.as_str()) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result { f.write_str("a string") }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> { Ok(text.into()) }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

pub(crate) use {model, need, open_enum, request, writable};

/// A value of an open enum that this version has no name for. Read it with the enum's `as_str()`.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unknown(Box<str>);

impl Unknown {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The keys of an object that this version has no field for, kept for the way back.
///
/// There is no way to insert: a key that has a field would be sent twice.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Extra(serde_json::Map<String, serde_json::Value>);

impl Extra {
    /// The value of an unknown key.
    pub fn get(&self, key: &str) -> Option<&serde_json::Value> {
        self.0.get(key)
    }

    /// All unknown keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &serde_json::Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether the object held no key that is unknown here.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A password, token or websocket secret: shown to no `Debug`, no `Display` and no log.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a text so that it is not shown any more.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself, to be sent.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
#[allow(unreachable_pub)] // of the enum that the macro makes
mod tests {
    use alloc::format;

    use super::*;

    open_enum! {
        /// A colour.
        pub enum Colour { Red = "red", Blue = "blue", }
    }

    #[test]
    fn unknown_values_of_an_enum_survive() {
        let colours: [Colour; 2] = serde_json::from_str(r#"["red","ultraviolet"]"#).unwrap();
        assert_eq!(colours[0], Colour::Red);
        assert_eq!(colours[1].as_str(), "ultraviolet");
        assert_eq!(serde_json::to_string(&colours).unwrap(), r#"["red","ultraviolet"]"#);
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"hunter2\"");
    }
}
