//! What was logged of an instance: its logs, the recorded output of commands, and its console.

use alloc::string::String;

use http::{Method, response::Parts};

use super::Instance;
use crate::{
    Call, Client, Download, Endpoint, Error, Fetch, Names, Object, Request, Response,
    crud::{Changed, Deletable, Delete, Listed, Resource},
    endpoint::bare,
    uri::Path,
};

/// A kind of files that are named in a list, received and removed.
macro_rules! log_files {
    ($($(#[$meta:meta])* $name:ident, $kind:literal, $path:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Deserialize)]
        pub struct $name;

        impl Resource for $name {
            const KIND: &'static str = $kind;
            /// The instance, and the file.
            type At = (String, String);

            fn path((instance, name): &(String, String)) -> Path {
                Self::list(instance).name(name)
            }
        }

        impl Listed for $name {
            /// The instance.
            type In = String;

            fn list(instance: &String) -> Path {
                Instance::path(instance).join($path)
            }

            fn at(instance: &String, name: &str) -> (String, String) {
                (instance.clone(), name.into())
            }
        }

        impl Deletable for $name {}
    )*};
}

log_files! {
    /// A log of an instance.
    InstanceLog, "log", "logs";
    /// The recorded output of a command.
    ExecOutput, "exec output", "logs/exec-output";
}

/// `GET` of a log's text.
#[derive(Clone, Debug)]
pub struct GetLog {
    path: Path,
}

impl Download for GetLog {
    type Head = ();

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &self.path)
    }

    fn head(&self, _: &Parts) -> Result<(), Error> {
        Ok(())
    }
}

/// `DELETE /1.0/instances/{name}/console`.
#[derive(Clone, Debug)]
pub struct ClearConsole {
    instance: String,
}

impl Endpoint for ClearConsole {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::DELETE, &Instance::path(&self.instance).join("console"))
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }
}

/// Logs of an instance, by their names.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let logs = lxd.instance("c1").logs();
/// for name in logs.names().send()? {
///     println!("{name}: {} bytes", logs.get(name.as_str()).bytes().send()?.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Logs<C, L> {
    client: C,
    instance: String,
    kind: core::marker::PhantomData<fn() -> L>,
}

impl<C: Client, L: Listed<In = String, At = (String, String)> + Deletable> Logs<C, L> {
    fn new(client: &C, instance: &str) -> Self {
        Self { client: client.clone(), instance: instance.into(), kind: core::marker::PhantomData }
    }

    /// Their names: `GET` of the list.
    pub fn names(&self) -> Call<C, Names<L>> {
        Call::new(&self.client, Names::new(self.instance.clone()))
    }

    /// The text of one: `GET`.
    pub fn get(&self, name: impl Into<String>) -> Fetch<C, GetLog> {
        Fetch::new(&self.client, GetLog { path: L::path(&(self.instance.clone(), name.into())) })
    }

    /// Removes one: `DELETE`. LXD keeps those that it needs itself, such as `lxc.log` (400).
    pub fn delete(&self, name: impl Into<String>) -> Call<C, Delete<L>> {
        Call::new(&self.client, Delete::new((self.instance.clone(), name.into())))
    }
}

impl<C: Client> Object<C, Instance> {
    /// Its logs: `/1.0/instances/{name}/logs`. Up to 5.0 the recorded output of commands is among them.
    pub fn logs(&self) -> Logs<C, InstanceLog> {
        Logs::new(&self.client, &self.at)
    }

    /// The recorded output of commands: `/1.0/instances/{name}/logs/exec-output` (not on 5.0, see
    /// [`logs`](Self::logs)).
    pub fn exec_outputs(&self) -> Logs<C, ExecOutput> {
        Logs::new(&self.client, &self.at)
    }

    /// What was written to its console: `GET /1.0/instances/{name}/console` (extension `console`). A container's only,
    /// and one that was started once. Where nothing was written, 5.0.2 answers 500 ("open : no such file or directory").
    pub fn console_log(&self) -> Fetch<C, GetLog> {
        Fetch::new(&self.client, GetLog { path: Instance::path(&self.at).join("console") })
    }

    /// Forgets what was written to its console: `DELETE /1.0/instances/{name}/console` (extension `console`).
    pub fn clear_console_log(&self) -> Call<C, ClearConsole> {
        Call::new(&self.client, ClearConsole { instance: self.at.clone() })
    }
}
