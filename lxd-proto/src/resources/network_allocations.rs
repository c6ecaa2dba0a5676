//! Network allocations: which addresses are taken, and by what. `/1.0/network-allocations`.

use alloc::{string::String, vec::Vec};

use http::Method;

use crate::{Call, Client, Endpoint, Error, Request, Response, compat::model, endpoint::bare, envelope, uri::Path};

model! {
    /// An address that is taken.
    pub struct NetworkAllocation {
        /// The address, with the length of its network's prefix.
        pub addresses: String,
        /// The URL of what has it.
        pub used_by: String,
        /// `network`, `instance`, `network-forward`, `network-load-balancer` or `uplink`.
        #[serde(rename = "type")]
        pub kind: String,
        /// Whether it is hidden behind the host's address.
        pub nat: bool,
        /// The MAC address.
        pub hwaddr: String,
        /// The network it is in.
        pub network: String,
    }
}

/// `GET /1.0/network-allocations`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GetAllocations {
    /// Whether those of all projects are wanted.
    pub all_projects: bool,
}

impl Endpoint for GetAllocations {
    type Output = Vec<NetworkAllocation>;

    fn request(&self) -> Result<Request, Error> {
        let path = Path::root().join("network-allocations");
        bare(Method::GET, &if self.all_projects { path.query("all-projects", "true") } else { path })
    }

    fn response(&self, response: Response) -> Result<Vec<NetworkAllocation>, Error> {
        Ok(envelope::sync::<Option<_>>("network allocations", &response)?.unwrap_or_default())
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["network_allocations"])
    }
}

impl<C: Client> Call<C, GetAllocations> {
    /// Of all projects, and not only of the client's.
    pub fn all_projects(mut self) -> Self {
        self.endpoint.all_projects = true;
        self
    }
}
