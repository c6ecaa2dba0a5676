//! Instances in lists: by type, with their state, and all of them started or stopped at once.

use alloc::{boxed::Box, string::String, vec::Vec};

use http::Method;

use super::{ChangeState, Instance, InstanceAction, InstanceFull, InstanceType, InstancesPost};
use crate::{
    Call, Client, Collection, Create, Elements, Endpoint, Error, List, Listing, Names, Request, Response,
    SaysEntitlements,
    compat::open_enum,
    crud::{Choice, Chosen, Listed, Resource},
    elements::Collected,
    endpoint::{Receive, bare},
};

open_enum! {
    /// A part of an instance's state that costs time to find out.
    pub enum InstanceStateField {
        /// How much its disks hold.
        Disk = "state.disk",
        /// Its network interfaces.
        Network = "state.network",
    }
}

/// `GET /1.0/instances?recursion=2`: instances with their state, snapshots and backups.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListFull {
    /// Which, and of which projects.
    pub choice: Choice<Instance>,
    /// Which parts of the state; none means all that there are.
    pub fields: Option<Vec<InstanceStateField>>,
}

impl Endpoint for ListFull {
    type Output = Vec<InstanceFull>;

    fn request(&self) -> Result<Request, Error> {
        let recursion = match &self.fields {
            None => String::from("2"),
            Some(fields) => {
                let fields: Vec<_> = fields.iter().map(InstanceStateField::as_str).collect();
                alloc::format!("2;fields={}", fields.join(","))
            }
        };
        bare(Method::GET, &self.choice.of(Instance::list(&()).query("recursion", recursion)))
    }

    fn response(&self, response: Response) -> Result<Vec<InstanceFull>, Error> {
        let (head, body) = response.into_parts();
        Collected::whole(self.elements(head), body)
    }

    fn receive(&self, head: http::response::Parts) -> Box<dyn Receive<Vec<InstanceFull>>> {
        Box::new(Collected::new(self.elements(head)))
    }

    fn extensions(&self) -> Vec<&'static str> {
        let fields = self.fields.is_some().then_some("instances_state_selective_recursion");
        self.choice.extensions().into_iter().chain(fields).collect()
    }
}

impl Listing for ListFull {
    type Item = InstanceFull;

    fn elements(&self, head: http::response::Parts) -> Elements<InstanceFull> {
        Elements::new(Instance::KIND, head, Instance::read_list)
    }
}

impl Chosen for ListFull {
    type Of = Instance;

    fn choice(&mut self) -> &mut Choice<Instance> {
        &mut self.choice
    }
}

impl SaysEntitlements for ListFull {
    type Of = Instance;

    fn entitlements(&mut self) -> &mut Vec<String> {
        &mut self.choice.access_entitlements
    }
}

impl<C: Client> Call<C, ListFull> {
    /// Only these of the parts of the state that cost time, or none of them (extension
    /// `instances_state_selective_recursion`, 6.7).
    pub fn fields(mut self, fields: impl IntoIterator<Item = InstanceStateField>) -> Self {
        self.endpoint.fields = Some(fields.into_iter().collect());
        self
    }
}

impl<C: Client> Collection<C, Instance> {
    /// The instances with their state, snapshots and backups: `GET /1.0/instances?recursion=2` (extension
    /// `container_full`).
    pub fn list_full(&self) -> Call<C, ListFull> {
        Call::new(&self.client, ListFull::default())
    }

    /// Starts, stops, freezes or restarts all instances of the project for which that is possible: `PUT /1.0/instances`
    /// (extension `instance_bulk_state_change`). The others stay as they are.
    pub fn change_state(&self, action: InstanceAction) -> Call<C, ChangeState> {
        Call::new(&self.client, ChangeState::all(action))
    }
}

/// The instances of one type. The server filters them (extension `api_filtering`), and with a
/// [`filter`](Call::filter) those that match both come.
#[derive(Clone, Debug)]
pub struct Instances<C> {
    client: C,
    kind: InstanceType,
}

impl<C: Client> Instances<C> {
    pub(crate) fn new(client: &C, kind: InstanceType) -> Self {
        Self { client: client.clone(), kind }
    }

    fn choice(&self) -> Choice<Instance> {
        Choice::only(match self.kind {
            InstanceType::VirtualMachine => "type eq virtual-machine",
            _ => "type eq container",
        })
    }

    /// The instances, whole: `GET /1.0/instances?recursion=1`.
    pub fn list(&self) -> Call<C, List<Instance>> {
        let mut list = List::new(());
        list.choice = self.choice();
        Call::new(&self.client, list)
    }

    /// The instances with their state, snapshots and backups: `GET /1.0/instances?recursion=2` (extension
    /// `container_full`).
    pub fn list_full(&self) -> Call<C, ListFull> {
        Call::new(&self.client, ListFull { choice: self.choice(), fields: None })
    }

    /// Their names: `GET /1.0/instances`.
    pub fn names(&self) -> Call<C, Names<Instance>> {
        let mut names = Names::new(());
        names.choice = self.choice();
        Call::new(&self.client, names)
    }

    /// Makes one of this type: `POST /1.0/instances`.
    pub fn create(&self, mut post: InstancesPost) -> Call<C, Create<Instance>> {
        post.kind = self.kind.clone();
        Call::new(&self.client, Create::new((), post))
    }
}
