//! An event, with what it holds.

use alloc::{boxed::Box, collections::BTreeMap, string::String};
use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::LifecycleAction;
use crate::{
    Error,
    compat::{Timestamp, model, null_default, open_enum},
    error::decode,
    resources::Operation,
};

open_enum! {
    /// What kind of event it is.
    pub enum EventType {
        /// A line of the server's log.
        Logging = "logging",
        /// An operation that began, changed or ended.
        Operation = "operation",
        /// An object that was made, changed or removed.
        Lifecycle = "lifecycle",
        /// What OVN says (5.18).
        Ovn = "ovn",
        /// A network ACL's log (Incus).
        NetworkAcl = "network-acl",
        /// Who logged in, and who was refused (6.9).
        Security = "security",
    }
}

open_enum! {
    /// How much a line of a log matters.
    pub enum LogLevel {
        /// Every step.
        Trace = "trace",
        /// For who looks for a fault.
        Debug = "debug",
        /// Good to know.
        Info = "info",
        /// Something may be wrong.
        Warning = "warning",
        /// Something failed.
        Error = "error",
        /// The server ends.
        Fatal = "fatal",
        /// The server has a fault.
        Panic = "panic",
    }
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// What kind it is.
    pub kind: EventType,
    /// When it happened.
    pub timestamp: Timestamp,
    /// On which cluster member; `none` without a cluster.
    pub location: String,
    /// In which project, if in one.
    pub project: String,
    /// The event itself.
    pub metadata: EventMetadata,
}

/// What an event holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventMetadata {
    /// An object was made, changed or removed.
    Lifecycle(Box<Lifecycle>),
    /// An operation as it is now.
    Operation(Box<Operation>),
    /// A line of a log: the server's, OVN's or a network ACL's.
    Logging(Logging),
    /// Who logged in, or was refused.
    Security(Box<Security>),
    /// A kind that this version does not know, or one that has another shape than it should.
    Other(Hidden),
}

impl Default for EventMetadata {
    fn default() -> Self {
        Self::Other(Hidden::default())
    }
}

model! {
    /// An object was made, changed or removed.
    pub struct Lifecycle {
        /// What happened.
        pub action: LifecycleAction,
        /// The object's URL.
        pub source: String,
        /// More, by key.
        pub context: BTreeMap<String, Value>,
        /// Who did it.
        pub requestor: Requestor,
        /// The object's name (`event_lifecycle_name_and_project`, 5.19).
        pub name: String,
        /// The object's project (`event_lifecycle_name_and_project`, 5.19).
        pub project: String,
    }

    /// Who did something.
    pub struct Requestor {
        /// Who.
        pub username: String,
        /// How: `unix`, `tls`.
        pub protocol: String,
        /// From where.
        pub address: String,
        /// With which program; only in security events (6.9).
        pub user_agent: String,
    }

    /// A line of a log.
    pub struct Logging {
        /// The line.
        pub message: String,
        /// How much it matters.
        pub level: LogLevel,
        /// More, by key.
        pub context: BTreeMap<String, Value>,
    }

    /// Who logged in, was refused, or changed who may do what (6.9).
    pub struct Security {
        /// What happened, as `authn_login_fail:tls`.
        pub name: String,
        /// How much it matters.
        pub level: LogLevel,
        /// What happened, in words.
        pub description: String,
        /// Of which request: its path.
        pub request_path: String,
        /// Of which request: its verb.
        pub request_method: String,
        /// In which project.
        pub project: String,
        /// Who did it.
        pub requestor: Requestor,
    }
}

/// An event's own part, as JSON. It may hold secrets (an operation's do), so `Debug` does not show it.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub Value);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl Event {
    /// The object's change, if this is a lifecycle event.
    pub fn lifecycle(&self) -> Option<&Lifecycle> {
        match &self.metadata {
            EventMetadata::Lifecycle(lifecycle) => Some(lifecycle),
            _ => None,
        }
    }

    /// The operation as it is now, if this is an operation's event.
    pub fn operation(&self) -> Option<&Operation> {
        match &self.metadata {
            EventMetadata::Operation(operation) => Some(operation),
            _ => None,
        }
    }

    pub(crate) fn into_operation(self) -> Option<Operation> {
        match self.metadata {
            EventMetadata::Operation(operation) => Some(*operation),
            _ => None,
        }
    }

    /// The line, if this is one of a log.
    pub fn logging(&self) -> Option<&Logging> {
        match &self.metadata {
            EventMetadata::Logging(logging) => Some(logging),
            _ => None,
        }
    }

    /// Who logged in or was refused, if this is a security event.
    pub fn security(&self) -> Option<&Security> {
        match &self.metadata {
            EventMetadata::Security(security) => Some(security),
            _ => None,
        }
    }

    /// Reads an event as it is on the wire.
    ///
    /// # Errors
    /// [`Error::Decode`] for what is no event.
    pub fn read(json: &[u8]) -> Result<Self, Error> {
        match core::str::from_utf8(json) {
            Ok(text) => Self::of_text(text),
            Err(_) => decode("an event", json),
        }
    }

    /// The same of a text.
    pub(crate) fn of_text(json: &str) -> Result<Self, Error> {
        // As LXD writes it, it is read in one pass.
        match serde_json::from_str(json) {
            Ok(InOrder(event)) => Ok(event),
            Err(_) => decode("an event", json.as_bytes()),
        }
    }
}

impl EventMetadata {
    /// What an event of this kind holds, straight from the source.
    fn read<'de, A: MapAccess<'de>>(kind: &EventType, map: &mut A) -> Result<Self, A::Error> {
        Ok(match kind {
            EventType::Lifecycle => Self::Lifecycle(map.next_value()?),
            EventType::Operation => Self::Operation(map.next_value()?),
            EventType::Logging | EventType::Ovn | EventType::NetworkAcl => Self::Logging(map.next_value()?),
            EventType::Security => Self::Security(map.next_value()?),
            EventType::_Unknown(_) => Self::Other(map.next_value()?),
        })
    }

    /// The same of what was read already; what has another shape stays as it is.
    fn of(kind: &EventType, value: Value) -> Self {
        let read = match kind {
            EventType::Lifecycle => Lifecycle::deserialize(&value).map(Box::new).map(Self::Lifecycle),
            EventType::Operation => Operation::deserialize(&value).map(Box::new).map(Self::Operation),
            EventType::Logging | EventType::Ovn | EventType::NetworkAcl => {
                Logging::deserialize(&value).map(Self::Logging)
            }
            EventType::Security => Security::deserialize(&value).map(Box::new).map(Self::Security),
            EventType::_Unknown(_) => return Self::Other(Hidden(value)),
        };
        read.unwrap_or(Self::Other(Hidden(value)))
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Keys {
            #[serde(rename = "type", deserialize_with = "null_default")]
            kind: EventType,
            #[serde(deserialize_with = "null_default")]
            timestamp: Timestamp,
            #[serde(deserialize_with = "null_default")]
            location: String,
            #[serde(deserialize_with = "null_default")]
            project: String,
            metadata: Value,
        }
        let keys = Keys::deserialize(deserializer)?;
        let metadata = EventMetadata::of(&keys.kind, keys.metadata);
        let Keys { kind, timestamp, location, project, .. } = keys;
        Ok(Self { kind, timestamp, location, project, metadata })
    }
}

/// An event whose type comes before its metadata, which has the shape that it should have.
struct InOrder(Event);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = InOrder;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                let mut event = Event::default();
                let mut kind = None;
                while let Some(key) = map.next_key::<&str>()? {
                    match key {
                        "type" => kind = Some(map.next_value()?),
                        "timestamp" => event.timestamp = map.next_value()?,
                        "location" => event.location = map.next_value()?,
                        "project" => event.project = map.next_value()?,
                        "metadata" => {
                            let kind = kind.as_ref().ok_or_else(|| A::Error::custom("metadata before its type"))?;
                            event.metadata = EventMetadata::read(kind, &mut map)?;
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                event.kind = kind.unwrap_or_default();
                Ok(InOrder(event))
            }
        }

        deserializer.deserialize_map(Keys)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use serde_json::json;

    use super::*;

    fn read(event: &str) -> Event {
        let read = Event::read(event.as_bytes()).unwrap();
        // In whatever order, it is the same event.
        assert_eq!(read, serde_json::from_str(event).unwrap());
        read
    }

    #[test]
    fn every_kind_is_typed() {
        let event = read(
            r#"{"type":"lifecycle","timestamp":"2026-11-21T20:51:15.284764224Z","metadata":{"action":"instance-shutdown",
            "source":"/1.0/instances/c1","context":null,"requestor":null},"location":"none","project":"default"}"#,
        );
        assert_eq!(event.lifecycle().unwrap().action, LifecycleAction::InstanceShutdown);
        assert_eq!((&*event.location, &*event.project), ("none", "default"));
        assert!(event.operation().is_none() && event.logging().is_none() && event.security().is_none());

        for kind in ["logging", "ovn", "network-acl"] {
            let metadata = json!({"message": "hello", "level": "warning", "context": {"ip": "@"}});
            let event = read(&json!({"type": kind, "metadata": metadata}).to_string());
            let line = event.logging().unwrap();
            assert_eq!((&*line.message, &line.level), ("hello", &LogLevel::Warning));
            assert_eq!(line.context["ip"], "@");
            assert_eq!(event.kind.as_str(), kind);
        }
        let event = read(
            r#"{"type":"security","metadata":{"name":"authn_login_fail:tls","level":"warning","requestor":
            {"address":"127.0.0.1","user_agent":"lxc"}}}"#,
        );
        assert_eq!(event.security().unwrap().requestor.user_agent, "lxc");
        let event = read(r#"{"metadata":{"id":"op-1","status_code":103},"type":"operation","new":[1]}"#);
        assert_eq!(event.operation().unwrap().id.as_str(), "op-1");
    }

    #[test]
    fn what_is_new_stays_readable() {
        let event = read(r#"{"type":"weather","metadata":{"rain":true}}"#);
        let EventMetadata::Other(Hidden(value)) = &event.metadata else { panic!("{event:?}") };
        assert_eq!((event.kind.as_str(), value), ("weather", &json!({"rain": true})));
        // What this version knows, in another shape than it knows it.
        let event = Event::read(br#"{"type":"lifecycle","metadata":{"action":7}}"#).unwrap();
        assert!(matches!(&event.metadata, EventMetadata::Other(Hidden(value)) if value["action"] == 7));
        let event = read(r#"{"type":"lifecycle","metadata":{"action":"instance-sang","location":null}}"#);
        assert_eq!(event.lifecycle().unwrap().action.as_str(), "instance-sang");
        assert_eq!(Event::read(br#"{"type":"logging","project":null}"#).unwrap().kind, EventType::Logging);
        assert!(Event::read(b"{").is_err());
    }
}
