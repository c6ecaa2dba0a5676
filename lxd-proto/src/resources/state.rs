//! How an instance stands, and changing that: `/1.0/instances/{name}/state`.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use core::time::Duration;

use http::Method;

use crate::{
    Call, Client, Endpoint, Error, Request, Response,
    compat::{StatusCode, model, open_enum},
    crud::{Changed, Listed, Resource},
    endpoint::{bare, json},
    envelope,
    resources::Instance,
};

open_enum! {
    /// What is done to an instance.
    pub enum InstanceAction {
        /// Start it.
        Start = "start",
        /// Shut it down.
        Stop = "stop",
        /// Shut it down and start it.
        Restart = "restart",
        /// Let none of its processes run.
        Freeze = "freeze",
        /// Let its processes run again.
        Unfreeze = "unfreeze",
    }
}

model! {
    /// How an instance stands.
    pub struct InstanceState {
        /// In words: `Running`, `Stopped`, `Frozen`, `Error`.
        pub status: String,
        /// As a number.
        pub status_code: StatusCode,
        /// Its disks by device name.
        pub disk: BTreeMap<String, InstanceStateDisk>,
        /// Its memory.
        pub memory: InstanceStateMemory,
        /// Its network interfaces by name.
        pub network: BTreeMap<String, InstanceStateNetwork>,
        /// Its first process, as the host sees it; 0 when it does not run.
        pub pid: i64,
        /// How many processes it has; -1 when that cannot be said, as for a virtual machine without agent.
        pub processes: i64,
        /// Its processors.
        pub cpu: InstanceStateCpu,
    }

    /// A disk's use.
    pub struct InstanceStateDisk {
        /// Bytes in use.
        pub usage: i64,
        /// Bytes in all (`instances_state_total`, 5.14).
        pub total: i64,
    }

    /// Memory's use, in bytes.
    pub struct InstanceStateMemory {
        /// In use.
        pub usage: i64,
        /// The most that was in use.
        pub usage_peak: i64,
        /// In all (`instances_state_total`, 5.14).
        pub total: i64,
        /// In use of swap.
        pub swap_usage: i64,
        /// The most that was in use of swap.
        pub swap_usage_peak: i64,
    }

    /// The processors' use.
    pub struct InstanceStateCpu {
        /// Nanoseconds.
        pub usage: i64,
    }

    /// A network interface.
    pub struct InstanceStateNetwork {
        /// Its addresses.
        pub addresses: Vec<InstanceStateNetworkAddress>,
        /// What went through it.
        pub counters: InstanceStateNetworkCounters,
        /// Its MAC address.
        pub hwaddr: String,
        /// Its end on the host.
        pub host_name: String,
        /// Its MTU.
        pub mtu: i64,
        /// `up` or `down`.
        pub state: String,
        /// `broadcast`, `loopback`, `point-to-point`.
        #[serde(rename = "type")]
        pub kind: String,
    }

    /// An address of a network interface.
    pub struct InstanceStateNetworkAddress {
        /// `inet` or `inet6`.
        pub family: String,
        /// The address.
        pub address: String,
        /// The length of its network's prefix.
        pub netmask: String,
        /// `global`, `link`, `local`.
        pub scope: String,
    }

    /// What went through a network interface. LXD's numbers were signed up to 5.0 and unsigned since; -1 is "unknown".
    pub struct InstanceStateNetworkCounters {
        /// Bytes in.
        pub bytes_received: i128,
        /// Bytes out.
        pub bytes_sent: i128,
        /// Packets in.
        pub packets_received: i128,
        /// Packets out.
        pub packets_sent: i128,
        /// Errors in.
        pub errors_received: i128,
        /// Errors out.
        pub errors_sent: i128,
        /// Packets dropped on their way in.
        pub packets_dropped_inbound: i128,
        /// Packets dropped on their way out.
        pub packets_dropped_outbound: i128,
    }
}

/// `GET /1.0/instances/{name}/state`.
#[derive(Clone, Debug)]
pub struct GetState {
    pub(crate) instance: String,
}

impl Endpoint for GetState {
    type Output = InstanceState;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &Instance::path(&self.instance).join("state"))
    }

    fn response(&self, response: Response) -> Result<InstanceState, Error> {
        envelope::sync("an instance's state", &response)
    }
}

/// `PUT /1.0/instances/{name}/state`, or `PUT /1.0/instances` for all of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChangeState {
    instance: Option<String>,
    action: InstanceAction,
    /// How many seconds the instance has to shut down; -1 leaves that to the server.
    pub timeout: i64,
    /// Whether it is not asked.
    pub force: bool,
    /// Whether its running state is saved, or taken up again.
    pub stateful: bool,
}

impl ChangeState {
    /// The request for this instance.
    pub fn new(instance: String, action: InstanceAction) -> Self {
        Self { instance: Some(instance), ..Self::all(action) }
    }

    /// The request for all instances of the project.
    pub fn all(action: InstanceAction) -> Self {
        Self { instance: None, action, timeout: -1, force: false, stateful: false }
    }
}

impl Endpoint for ChangeState {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        let Self { action, timeout, force, stateful, .. } = self;
        let put = serde_json::json!({ "action": action, "timeout": timeout, "force": force, "stateful": stateful });
        match &self.instance {
            Some(instance) => json(Method::PUT, &Instance::path(instance).join("state"), &put),
            None => json(Method::PUT, &Instance::list(&()), &serde_json::json!({ "state": put })),
        }
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }

    fn extensions(&self) -> Vec<&'static str> {
        if self.instance.is_some() { Vec::new() } else { vec!["instance_bulk_state_change"] }
    }
}

impl<C: Client> Call<C, ChangeState> {
    /// Does not ask the instance: for stop and restart, as pulling its plug.
    pub fn force(mut self) -> Self {
        self.endpoint.force = true;
        self
    }

    /// How long the instance has to shut down, in whole seconds. Then a stop fails, and the instance goes on. By default
    /// the server decides (`boot.host_shutdown_timeout` is 30 s; 5.0.2 waits 30 s too).
    pub fn within(mut self, time: Duration) -> Self {
        self.endpoint.timeout = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        self
    }

    /// Saves its running state when it stops, or takes that up when it starts (containers need CRIU).
    pub fn stateful(mut self) -> Self {
        self.endpoint.stateful = true;
        self
    }
}
