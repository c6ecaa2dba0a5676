//! Operations: what goes on in the background. `/1.0/operations`.

mod progress;

use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};
use core::{fmt, ops::Deref};

use http::Method;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{Subscribe, events::Requestor};
pub use progress::Progress;

use crate::{
    Answer, Call, Client, Endpoint, Error, Object, Request, Response, Run,
    compat::{StatusCode, Timestamp, model, open_enum},
    crud::{AcrossProjects, Changed, Deletable, Delete, Listed, Resource},
    endpoint::bare,
    envelope,
    error::{OperationError, Outcome, decode},
    flow::{InTurn, updates::UpdatesFlow, wait::Wait},
    uri::{Path, name_in_list},
};

open_enum! {
    /// What kind of work an operation is.
    pub enum OperationClass {
        /// Work without a connection to the client.
        Task = "task",
        /// Work over websockets: exec, console, migration.
        Websocket = "websocket",
        /// A secret that waits for its use.
        Token = "token",
        /// Work that survives a restart (since 6.9).
        Durable = "durable",
    }
}

/// An operation's id. It can be stored, and the operation taken up again by another process.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct OperationId(Box<str>);

impl OperationId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Letters, digits and hyphens: LXD's are UUIDs. Without a branch, as nobody can foresee what comes next in a UUID.
    fn fits(text: &str) -> bool {
        let fits = |fits, byte: u8| fits & (byte.is_ascii_alphanumeric() | (byte == b'-'));
        text.bytes().fold(!text.is_empty(), fits)
    }

    fn refused(text: &str) -> Error {
        Error::InvalidInput(format!("{text:?} is no operation's id"))
    }

    /// The id at the end of an operation's URL. In a cluster the URL has a query, which is not a part of it.
    pub(crate) fn in_url(url: &str) -> Option<Self> {
        name_in_list(url, &Path::root().join("operations"))?.parse().ok()
    }
}

impl core::str::FromStr for OperationId {
    type Err = Error;

    /// Takes letters, digits and hyphens (LXD's are UUIDs).
    fn from_str(text: &str) -> Result<Self, Error> {
        if Self::fits(text) { Ok(Self(text.into())) } else { Err(Self::refused(text)) }
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for OperationId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        if text.is_empty() || Self::fits(&text) {
            return Ok(Self(text));
        }
        Err(serde::de::Error::custom(Self::refused(&text)))
    }
}

/// What an operation says of itself, by key: open, because each kind of work has its own. It holds secrets, so only the
/// keys are shown by `Debug`.
#[derive(Clone, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct OperationMetadata(Map<String, Value>);

impl OperationMetadata {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(crate) fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// All keys with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl fmt::Debug for OperationMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What an operation works on: kinds with their URLs. A token for a cluster's new member works on `cluster`, without any
/// (5.0.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationResources(BTreeMap<String, Vec<String>>);

impl Deref for OperationResources {
    type Target = BTreeMap<String, Vec<String>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for OperationResources {
    /// A kind can have no list: 5.0.2 says `"cluster": null`.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lists;

        impl<'de> Visitor<'de> for Lists {
            type Value = OperationResources;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("lists of URLs")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OperationResources, A::Error> {
                let mut lists = BTreeMap::new();
                while let Some((kind, urls)) = map.next_entry::<_, Option<_>>()? {
                    lists.insert(kind, urls.unwrap_or_default());
                }
                Ok(OperationResources(lists))
            }
        }

        deserializer.deserialize_map(Lists)
    }
}

model! {
    /// An operation. It is kept for 5 s after its end, and then forgotten.
    pub struct Operation {
        /// Its id.
        pub id: OperationId,
        /// Which kind of work it is.
        pub class: OperationClass,
        /// What it does, in words.
        pub description: String,
        /// When it began.
        pub created_at: Timestamp,
        /// When it last changed.
        pub updated_at: Timestamp,
        /// How it stands, in words.
        pub status: String,
        /// How it stands.
        pub status_code: StatusCode,
        /// What it works on: kinds with their URLs.
        pub resources: OperationResources,
        /// What it says of itself.
        pub metadata: OperationMetadata,
        /// Whether it can be cancelled.
        pub may_cancel: bool,
        /// Why it failed.
        pub err: String,
        /// The HTTP status that its failure would have (since 6.9).
        pub err_code: u16,
        /// How many operations it is made of (`operation_child_count`, after 6.9).
        pub child_count: u64,
        /// On which cluster member it runs; `none` without a cluster.
        pub location: String,
        /// Who began it (`operation_requestor`, 6.6).
        pub requestor: Requestor,
    }
}

impl Operation {
    /// Reads the operation that an `async` envelope holds.
    pub(crate) fn in_envelope(url: &str, metadata: &str) -> Result<Self, Error> {
        let mut operation = match metadata {
            "null" => Self::default(),
            metadata => decode("an operation", metadata.as_bytes())?,
        };
        if let Some(id) = OperationId::in_url(url) {
            operation.id = id;
        }
        if operation.id.as_str().is_empty() {
            return Err(Error::Protocol(format!("it began an operation without saying which ({url:?})")));
        }
        Ok(operation)
    }

    /// How it ended, if it ended badly.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.status_code {
            StatusCode::CANCELLED => Some(Outcome::Cancelled),
            code if !code.is_final() => Some(Outcome::StillRunning),
            // A text of an error beside a success is an error: LXD's own client looks at nothing else.
            code if code.0 >= 400 || !self.err.is_empty() => Some(Outcome::Failed(self.err.clone())),
            _ => None,
        }
    }

    /// The error when nobody waits for it any longer.
    pub(crate) fn still_running(self) -> Error {
        let error = OperationError { id: self.id.clone(), outcome: Outcome::StillRunning, operation: Some(self) };
        Error::Operation(Box::new(error))
    }

    /// The exit code of a command.
    pub fn return_code(&self) -> Option<i32> {
        self.metadata.get("return")?.as_i64()?.try_into().ok()
    }

    /// The secret of one of its websockets: `0`, `1`, `2` or `control`.
    pub fn websocket_secret(&self, name: &str) -> Option<&str> {
        self.metadata.get("fds")?.get(name)?.as_str()
    }

    /// Where one of its websockets is, with its secret.
    pub(crate) fn websocket(&self, name: &str) -> Result<Path, Error> {
        let secret = self.websocket_secret(name);
        let secret =
            secret.ok_or_else(|| Error::Protocol(format!("a command without a secret for its websocket {name}")))?;
        Ok(Self::path(&self.id).join("websocket").query("secret", secret))
    }

    /// The URL of what it works on, or of what it made (`operation_metadata_entity_url`, 6.7).
    pub(crate) fn entity_url(&self) -> Option<&str> {
        self.metadata.get("entity_url")?.as_str()
    }

    /// The URL of one of its resources. For a snapshot that is the instance.
    pub(crate) fn resource_url(&self) -> Option<&str> {
        self.resources.get("instances").or_else(|| self.resources.values().next())?.first().map(String::as_str)
    }
}

impl Resource for Operation {
    const KIND: &'static str = "operation";
    type At = OperationId;

    fn path(at: &OperationId) -> Path {
        Path::root().join("operations").name(at.as_str())
    }
}

impl Listed for Operation {
    type In = ();

    fn list((): &()) -> Path {
        Path::root().join("operations")
    }

    fn at((): &(), name: &str) -> OperationId {
        OperationId(name.into())
    }

    /// LXD lists operations by their status: `{"running": [..]}`.
    fn read_list<T: DeserializeOwned>(metadata: &str) -> Result<Vec<T>, Error> {
        let by_status: Option<BTreeMap<String, Vec<T>>> = decode("operations", metadata.as_bytes())?;
        Ok(by_status.unwrap_or_default().into_values().flatten().collect())
    }
}

impl Deletable for Operation {}

impl AcrossProjects for Operation {
    const EXTENSION: &'static str = "operations_get_query_all_projects";
}

impl Answer for Operation {
    fn done(_: &Response, metadata: &str) -> Result<Self, Error> {
        decode("an operation", metadata.as_bytes())
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        Ok(operation.clone())
    }
}

/// Looks at an operation that may have ended: `GET /1.0/operations/{id}`.
#[derive(Clone, Debug)]
pub struct TakeUp(OperationId);

impl Endpoint for TakeUp {
    type Output = Changed<Operation>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &Operation::path(&self.0))
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        let end = |outcome, operation| {
            Err(Error::Operation(Box::new(OperationError { id: self.0.clone(), outcome, operation })))
        };
        let operation: Operation = match envelope::sync("an operation", &response) {
            Err(error) if error.is_not_found() => return end(Outcome::Unknown, None),
            operation => operation?,
        };
        match operation.outcome() {
            None => Ok(Changed::Done(operation)),
            Some(Outcome::StillRunning) => Ok(Changed::Running(Box::new(operation))),
            Some(outcome) => end(outcome, Some(operation)),
        }
    }
}

impl<C: Client> Object<C, Operation> {
    /// Waits for its end, as long as that takes: `GET /1.0/operations/{id}` and then `/wait`. Gives the operation when it
    /// succeeded; failure, cancellation and an unknown end are errors. It needs no websocket; with events the last of the
    /// [`updates`](Self::updates) says the same.
    pub fn wait(&self) -> Run<C, InTurn<Wait<TakeUp, Operation>>> {
        Call::new(&self.client, TakeUp(self.at.clone())).wait()
    }

    /// Follows it to its end: `GET /1.0/events?type=operation` as a websocket. The first is the operation as it is now, and
    /// then it comes whenever it has changed, with its [`progress`](Operation::progress). The last is its success; failure,
    /// cancellation and an unknown end are errors, as for [`wait`](Self::wait).
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::{Changed, Lxd, resources::InstancesPost};
    ///
    /// let created = lxd.instances().create(InstancesPost::from_alias("c1", "ubuntu")).send()?;
    /// if let Changed::Running(operation) = created {
    ///     for operation in lxd.operation(operation.id).updates().send()? {
    ///         if let Some(progress) = operation?.progress() {
    ///             println!("{}: {:?} %, {:?} bytes/s", progress.stage, progress.percent, progress.speed);
    ///         }
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn updates(&self) -> Subscribe<C, UpdatesFlow> {
        Subscribe { client: self.client.clone(), flow: UpdatesFlow::new(self.at.clone()) }
    }

    /// Asks the server to cancel it: `DELETE /1.0/operations/{id}`. Only where [`Operation::may_cancel`] says so; on
    /// 5.0.2 a command cannot be cancelled (400).
    pub fn cancel(&self) -> Call<C, Delete<Operation>> {
        self.delete()
    }
}
