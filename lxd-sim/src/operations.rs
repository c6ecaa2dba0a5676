//! Operations: what goes on in the background, who waits for it, and its end. `/1.0/operations`.

use std::{collections::BTreeMap, fmt, time::Duration};

use http::Method;
use serde_json::{Value, json};

use crate::{
    Exchange, Output, Sim,
    answer::{Answer, Refusal, refuse, respond},
    ask::{Ask, Object},
    config::Waiting,
    sim::Timer,
};

/// How long an operation is known after its end.
const KEPT: Duration = Duration::from_secs(5);

const RUNNING: u16 = 103;
const CANCELLING: u16 = 104;
const SUCCESS: u16 = 200;
const FAILURE: u16 = 400;
const CANCELLED: u16 = 401;

/// What an operation does next.
pub(crate) type Work = Box<dyn FnOnce(&mut Sim, &str) -> Step + Send>;

/// What came of it.
pub(crate) enum Step {
    /// It is over.
    Done(Result<Value, Refusal>),
    /// It goes on after this time.
    Later(Duration, Work),
}

/// An operation.
#[derive(Debug)]
pub(crate) struct Operation {
    id: String,
    class: &'static str,
    description: String,
    created: String,
    updated: String,
    status: u16,
    resources: BTreeMap<&'static str, Vec<String>>,
    /// What it says of itself.
    pub(crate) metadata: Option<Object>,
    may_cancel: bool,
    err: Option<Refusal>,
    pub(crate) project: String,
    /// Secrets, by the names of what they open.
    pub(crate) secrets: BTreeMap<String, String>,
    waiting: Vec<Exchange>,
}

/// An operation that begins.
#[derive(Debug)]
pub(crate) struct New {
    class: &'static str,
    description: String,
    project: String,
    resources: BTreeMap<&'static str, Vec<String>>,
    metadata: Option<Object>,
    secrets: BTreeMap<String, String>,
    may_cancel: bool,
    entity: Option<String>,
}

impl New {
    pub(crate) fn task(description: impl Into<String>, project: &str) -> Self {
        Self {
            class: "task",
            description: description.into(),
            project: project.into(),
            resources: BTreeMap::new(),
            metadata: None,
            secrets: BTreeMap::new(),
            may_cancel: false,
            entity: None,
        }
    }

    pub(crate) fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    pub(crate) fn on(mut self, kind: &'static str, url: &str) -> Self {
        self.resources.entry(kind).or_default().push(url.into());
        self
    }

    /// The object that it is about, which new servers say.
    pub(crate) fn about(mut self, _: &'static str, url: &str) -> Self {
        self.entity = Some(url.into());
        self
    }

    /// On an instance, which 5.0.2 also calls a container.
    pub(crate) fn on_instance(self, name: &str) -> Self {
        self.on("containers", &format!("/1.0/containers/{name}")).on("instances", &format!("/1.0/instances/{name}"))
    }

    pub(crate) fn saying(mut self, metadata: Value) -> Self {
        let metadata = metadata.as_object().cloned().unwrap_or_default();
        self.metadata.get_or_insert_with(Object::new).extend(metadata);
        self
    }

    pub(crate) fn with_secrets(self, secrets: BTreeMap<String, String>) -> Self {
        Self { secrets, ..self }
    }

    pub(crate) fn cancellable(self) -> Self {
        Self { may_cancel: true, ..self }
    }
}

impl Operation {
    /// As it is on the wire. Its secrets are said to who began it, and not by events.
    pub(crate) fn shown(&self, _: bool) -> Value {
        let resources = if self.resources.is_empty() { Value::Null } else { json!(self.resources) };
        json!({
            "id": self.id, "class": self.class, "description": self.description,
            "created_at": self.created, "updated_at": self.updated,
            "status": status(self.status), "status_code": self.status,
            "resources": resources, "metadata": self.metadata, "may_cancel": self.may_cancel,
            "err": self.err.as_ref().map_or("", |refusal| &refusal.text), "location": "none",
        })
    }

    /// Whether it works on this.
    pub(crate) fn is_on(&self, kind: &str, url: &str) -> bool {
        self.resources.get(kind).is_some_and(|urls| urls.iter().any(|there| there == url))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.status >= SUCCESS
    }
}

fn status(code: u16) -> &'static str {
    match code {
        RUNNING => "Running",
        CANCELLING => "Cancelling",
        SUCCESS => "Success",
        CANCELLED => "Cancelled",
        _ => "Failure",
    }
}

impl Sim {
    /// Begins an operation that does something short.
    pub(crate) fn begin(
        &mut self,
        new: New,
        work: impl FnOnce(&mut Self, &str) -> Result<Value, Refusal> + Send + 'static,
    ) -> Answer {
        let id = self.open(new);
        let latency = self.config.latency;
        self.after(latency, Timer::Work(id.clone(), Box::new(|sim, id| Step::Done(work(sim, id)))));
        Answer::Running(id)
    }

    /// Begins an operation that takes longer, or ends elsewhere.
    pub(crate) fn begin_long(
        &mut self,
        new: New,
        work: impl FnOnce(&mut Self, &str) -> Step + Send + 'static,
    ) -> Answer {
        let id = self.open(new);
        let latency = self.config.latency;
        self.after(latency, Timer::Work(id.clone(), Box::new(work)));
        Answer::Running(id)
    }

    /// An operation that something else ends.
    pub(crate) fn open(&mut self, new: New) -> String {
        let (id, now) = (self.random.uuid(), self.time());
        let mut metadata = new.metadata;
        if let Some(url) = new.entity.filter(|_| self.has("operation_metadata_entity_url")) {
            metadata.get_or_insert_with(Object::new).insert("entity_url".into(), url.into());
        }
        let operation = Operation {
            id: id.clone(),
            class: new.class,
            description: new.description,
            created: now.clone(),
            updated: now,
            status: RUNNING,
            resources: new.resources,
            metadata,
            may_cancel: new.may_cancel,
            err: None,
            project: new.project,
            secrets: new.secrets,
            waiting: Vec::new(),
        };
        self.operations.insert(id.clone(), operation);
        self.operation_event(&id);
        id
    }

    pub(crate) fn work(&mut self, id: &str, work: Work) {
        // Cancelled meanwhile.
        if self.operations.get(id).is_none_or(Operation::is_over) {
            return;
        }
        match work(self, id) {
            Step::Done(result) => self.end(id, result),
            Step::Later(time, work) => self.after(time, Timer::Work(id.into(), work)),
        }
    }

    /// Ends an operation: with what it then says of itself, or with why it failed.
    pub(crate) fn end(&mut self, id: &str, result: Result<Value, Refusal>) {
        match result {
            Ok(metadata) => self.settle(id, SUCCESS, metadata, None),
            Err(refusal) => self.settle(id, FAILURE, Value::Null, Some(refusal)),
        }
    }

    /// Ends an operation that failed, with what it still says of itself.
    pub(crate) fn fail(&mut self, id: &str, refusal: Refusal, metadata: Value) {
        self.settle(id, FAILURE, metadata, Some(refusal));
    }

    fn settle(&mut self, id: &str, code: u16, metadata: Value, err: Option<Refusal>) {
        let now = self.time();
        let Some(operation) = self.operations.get_mut(id).filter(|operation| !operation.is_over()) else { return };
        if let Value::Object(new) = metadata {
            operation.metadata.get_or_insert_with(Object::new).extend(new);
        }
        (operation.status, operation.err, operation.updated) = (code, err, now);
        operation.may_cancel = false;
        let waiting = std::mem::take(&mut operation.waiting);
        self.operation_event(id);
        for exchange in waiting {
            self.waited(id, exchange);
        }
        self.after(KEPT, Timer::Forget(id.into()));
    }

    /// Says something of an operation that goes on.
    pub(crate) fn progress(&mut self, id: &str, metadata: Value) {
        let now = self.time();
        let Some(operation) = self.operations.get_mut(id).filter(|operation| !operation.is_over()) else { return };
        operation.updated = now;
        if let Value::Object(new) = metadata {
            operation.metadata.get_or_insert_with(Object::new).extend(new);
        }
        self.operation_event(id);
    }

    pub(crate) fn forget(&mut self, id: &str) {
        self.operations.remove(id);
    }

    pub(crate) fn wait_over(&mut self, id: &str, exchange: Exchange) {
        let Some(operation) = self.operations.get_mut(id) else { return };
        let before = operation.waiting.len();
        operation.waiting.retain(|waiting| *waiting != exchange);
        if operation.waiting.len() < before {
            self.waited(id, exchange);
        }
    }

    /// Nobody waits for it on this exchange any more.
    pub(crate) fn stop_waiting(&mut self, exchange: Exchange) {
        for operation in self.operations.values_mut() {
            operation.waiting.retain(|waiting| *waiting != exchange);
        }
    }

    /// Answers `/wait`: with the operation, or with an error of what has failed or takes too long.
    fn waited(&mut self, id: &str, exchange: Exchange) {
        let Some(operation) = self.operations.get(id) else { return };
        let error = match &operation.err {
            Some(refusal) => Some(refusal.clone()),
            None if operation.status == CANCELLED => Some(Refusal::bad("Operation cancelled")),
            None if !operation.is_over() => Some(Refusal::internal("context deadline exceeded")),
            None => None,
        };
        let response = match (error, self.config.waiting) {
            (Some(refusal), Waiting::HttpError) => Some(refuse(&refusal, refusal.code)),
            (Some(refusal), Waiting::Error) => Some(refuse(&refusal, 200)),
            _ => respond(self, Answer::Done(operation.shown(true))),
        };
        self.out.extend(response.map(|response| Output::Response { exchange, response }));
    }

    /// What is asked of operations.
    pub(crate) fn of_operations(&mut self, ask: &Ask, path: &[&str]) -> Result<Answer, Refusal> {
        let missing = || Refusal::not_found("Operation not found");
        match (&ask.method, path) {
            (&Method::GET, []) => Ok(self.list_operations(ask)),
            (&Method::GET, [id]) => {
                self.operations.get(*id).map(|found| Answer::Done(found.shown(true))).ok_or_else(missing)
            }
            (&Method::GET, [id, "wait"]) => self.wait(ask, id),
            (&Method::GET, [id, "websocket"]) => {
                self.operations.get(*id).ok_or_else(missing)?;
                self.attach(ask, id)
            }
            (&Method::DELETE, [id]) => {
                let operation = self.operations.get(*id).ok_or_else(missing)?;
                if !operation.may_cancel {
                    return Err(Refusal::bad("This operation can't be cancelled"));
                }
                self.cancel(id);
                Ok(Answer::empty())
            }
            _ => Err(Refusal::new(501, "not implemented")),
        }
    }

    fn cancel(&mut self, id: &str) {
        self.abandon(id);
        self.end_migration(id);
        self.settle(id, CANCELLED, Value::Null, None);
    }

    fn list_operations(&self, ask: &Ask) -> Answer {
        let mut lists = serde_json::Map::new();
        for operation in self.operations.values() {
            if operation.project != ask.project() && !ask.all_projects() {
                continue;
            }
            let shown = match ask.recursion() {
                0 => format!("/1.0/operations/{}", operation.id).into(),
                _ => operation.shown(true),
            };
            let list = lists.entry(status(operation.status).to_lowercase()).or_insert_with(|| json!([]));
            list.as_array_mut().map(|list| list.push(shown)).unwrap_or_default();
        }
        Answer::Done(lists.into())
    }

    fn wait(&mut self, ask: &Ask, id: &str) -> Result<Answer, Refusal> {
        let timeout = ask.query.get("timeout").map_or("-1", String::as_str);
        let Ok(timeout) = timeout.parse::<i64>() else {
            return Err(Refusal::internal(format!("strconv.Atoi: parsing {timeout:?}: invalid syntax")));
        };
        let missing = || Refusal::not_found("Operation not found");
        let operation = self.operations.get_mut(id).ok_or_else(missing)?;
        if let Some(secret) = ask.query.get("secret") {
            let is_right = |there: &Object| there.get("secret").and_then(Value::as_str) == Some(secret);
            if !operation.metadata.as_ref().is_some_and(is_right) {
                return Err(Refusal::forbidden());
            }
        }
        if operation.is_over() || timeout == 0 {
            self.waited(id, ask.exchange);
        } else {
            operation.waiting.push(ask.exchange);
            if let Ok(timeout) = u64::try_from(timeout) {
                self.after(Duration::from_secs(timeout), Timer::WaitOver(id.into(), ask.exchange));
            }
        }
        Ok(Answer::Later)
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(result) => f.debug_tuple("Done").field(result).finish(),
            Self::Later(time, _) => f.debug_tuple("Later").field(time).finish(),
        }
    }
}
