//! How a server and its instances do, for a collector of metrics: `/1.0/metrics`. Extension `metrics`.

use alloc::vec::Vec;

use http::Method;

use super::Server;
use crate::{Client, Download, Error, Fetch, Object, Request, endpoint::bare, uri::Path};

/// `GET /1.0/metrics`.
#[derive(Clone, Copy, Debug)]
pub struct GetMetrics;

impl Download for GetMetrics {
    type Head = ();

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &Path::root().join("metrics"))
    }

    fn head(&self, _: &http::response::Parts) -> Result<(), Error> {
        Ok(())
    }

    fn extensions(&self) -> Vec<&'static str> {
        Vec::from(["metrics"])
    }
}

impl<C: Client> Object<C, Server> {
    /// How it and its instances do, as text in the format of OpenMetrics: `GET /1.0/metrics` (extension `metrics`). In a
    /// [project](crate::Lxd::project), only the instances in it; in a cluster, only those of the member that answers.
    /// What was found is given again for some seconds.
    ///
    /// ```no_run
    /// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
    /// use lxd_proto::Lxd;
    ///
    /// let text = lxd.server().metrics().bytes().send()?;
    /// println!("{}", String::from_utf8_lossy(&text));
    /// # Ok(())
    /// # }
    /// ```
    pub fn metrics(&self) -> Fetch<C, GetMetrics> {
        Fetch::new(&self.client, GetMetrics)
    }
}
