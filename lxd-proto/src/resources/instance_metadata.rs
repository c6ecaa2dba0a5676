//! What an instance was made with: its image's metadata and templates, and a virtual machine's UEFI variables.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use http::{Method, response::Parts};

use super::{Config, Instance};
use crate::{
    Call, Client, Download, Endpoint, Error, Fetch, Object, Payload, Request, Response, Streams,
    compat::writable,
    crud::{Changed, Deletable, Delete, Editable, Patchable, Resource},
    endpoint::{Body, bare, with_body},
    envelope,
    uri::Path,
};

writable! {
    /// The metadata that an instance has of its image: `/1.0/instances/{name}/metadata`.
    pub struct ImageMetadata / ImageMetadataPatch {
        /// Its architecture.
        pub architecture: String,
        /// When the image was made, in seconds since 1970.
        pub creation_date: i64,
        /// When the image is out of date, in seconds since 1970; 0 means never.
        pub expiry_date: i64,
        /// What it is, by key.
        pub properties: Config,
        /// Files that are made of templates, by their paths in the instance.
        pub templates: BTreeMap<String, ImageMetadataTemplate>,
    }

    /// A file that is made of a template.
    pub struct ImageMetadataTemplate {
        /// When: `create`, `copy`, `rename`, `start`.
        pub when: Vec<String>,
        /// Whether it is made only where there is no such file.
        pub create_only: bool,
        /// The template's name.
        pub template: String,
        /// What the template is given, by key.
        pub properties: Config,
    }

    /// A virtual machine's UEFI variables: `/1.0/instances/{name}/uefi-vars`.
    #[allow(clippy::upper_case_acronyms)]
    pub struct InstanceUEFIVars {
        /// The variables by name, which ends with a UUID.
        pub variables: BTreeMap<String, InstanceUEFIVariable>,
    }

    /// A UEFI variable.
    pub struct InstanceUEFIVariable {
        /// Its attributes.
        pub attr: u32,
        /// Its value, hex.
        pub data: String,
        /// Its digest, hex.
        pub digest: String,
        /// When it was set, hex.
        pub timestamp: String,
    }
}

impl Resource for ImageMetadata {
    const KIND: &'static str = "instance metadata";
    /// The instance.
    type At = String;

    fn path(at: &String) -> Path {
        Instance::path(at).join("metadata")
    }
}

impl Editable for ImageMetadata {
    type Put = Self;
    const READ_ONLY: &'static [&'static str] = &[];
}

impl Patchable for ImageMetadata {
    type Patch = ImageMetadataPatch;
}

impl Resource for InstanceUEFIVars {
    const KIND: &'static str = "UEFI variables";
    const EXTENSION: Option<&'static str> = Some("instances_uefi_vars");
    /// The instance.
    type At = String;

    fn path(at: &String) -> Path {
        Instance::path(at).join("uefi-vars")
    }
}

impl Editable for InstanceUEFIVars {
    type Put = Self;
    const READ_ONLY: &'static [&'static str] = &[];
}

fn templates(instance: &String) -> Path {
    Instance::path(instance).join("metadata/templates")
}

/// A template; only `DELETE` of the generic verbs works on it.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Template;

impl Resource for Template {
    const KIND: &'static str = "template";
    /// The instance, and the template.
    type At = (String, String);

    fn path((instance, name): &(String, String)) -> Path {
        templates(instance).query("path", name)
    }
}

impl Deletable for Template {}

/// `GET /1.0/instances/{name}/metadata/templates`.
#[derive(Clone, Debug)]
pub struct ListTemplates {
    instance: String,
}

impl Endpoint for ListTemplates {
    type Output = Vec<String>;

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &templates(&self.instance))
    }

    fn response(&self, response: Response) -> Result<Vec<String>, Error> {
        Ok(envelope::sync::<Option<_>>("templates", &response)?.unwrap_or_default())
    }
}

/// `GET /1.0/instances/{name}/metadata/templates?path=`.
#[derive(Clone, Debug)]
pub struct GetTemplate {
    at: (String, String),
}

impl Download for GetTemplate {
    type Head = ();

    fn request(&self) -> Result<Request, Error> {
        bare(Method::GET, &Template::path(&self.at))
    }

    fn head(&self, _: &Parts) -> Result<(), Error> {
        Ok(())
    }
}

/// `POST /1.0/instances/{name}/metadata/templates?path=`.
#[derive(Clone, Debug)]
pub struct PutTemplate {
    at: (String, String),
    body: Body,
}

impl Endpoint for PutTemplate {
    type Output = Changed<()>;

    fn request(&self) -> Result<Request, Error> {
        with_body(Method::POST, &Template::path(&self.at), "application/octet-stream", self.body.clone())
    }

    fn response(&self, response: Response) -> Result<Self::Output, Error> {
        Changed::read(&response)
    }
}

/// The templates of an instance, by their names.
///
/// ```no_run
/// # fn example<C: lxd_proto::Blocking>(lxd: C) -> Result<(), lxd_proto::Error> {
/// use lxd_proto::Lxd;
///
/// let c1 = lxd.instance("c1");
/// c1.templates().put("motd.tpl", "This is {{ container.name }}.\n").wait().send()?;
/// c1.metadata()
///     .edit(|metadata| {
///         let motd = metadata.templates.entry("/etc/motd".into()).or_default();
///         motd.template = "motd.tpl".into();
///         motd.when = vec!["start".into()];
///     })
///     .send()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Templates<C> {
    client: C,
    instance: String,
}

impl<C: Client> Templates<C> {
    /// Their names: `GET /1.0/instances/{name}/metadata/templates`.
    pub fn names(&self) -> Call<C, ListTemplates> {
        Call::new(&self.client, ListTemplates { instance: self.instance.clone() })
    }

    /// A template's text: `GET /1.0/instances/{name}/metadata/templates?path=`.
    pub fn get(&self, name: impl Into<String>) -> Fetch<C, GetTemplate> {
        Fetch::new(&self.client, GetTemplate { at: self.one(name) })
    }

    /// Writes a template, or over one: `POST /1.0/instances/{name}/metadata/templates?path=`.
    pub fn put(&self, name: impl Into<String>, text: impl Into<Payload<C::Reader>>) -> Call<C, PutTemplate> {
        let mut streams = Streams::default();
        let body = Body::Input(streams.body(text.into()));
        Call::with(&self.client, PutTemplate { at: self.one(name), body }, streams)
    }

    /// Removes a template: `DELETE /1.0/instances/{name}/metadata/templates?path=`.
    pub fn delete(&self, name: impl Into<String>) -> Call<C, Delete<Template>> {
        Call::new(&self.client, Delete::new(self.one(name)))
    }

    fn one(&self, name: impl Into<String>) -> (String, String) {
        (self.instance.clone(), name.into())
    }
}

impl<C: Client> Object<C, Instance> {
    /// The metadata it has of its image: `/1.0/instances/{name}/metadata` (extension `container_edit_metadata`).
    pub fn metadata(&self) -> Object<C, ImageMetadata> {
        Object::new(&self.client, self.at.clone())
    }

    /// Its templates: `/1.0/instances/{name}/metadata/templates` (extension `container_edit_metadata`).
    pub fn templates(&self) -> Templates<C> {
        Templates { client: self.client.clone(), instance: self.at.clone() }
    }

    /// Its UEFI variables, if it is a virtual machine: `/1.0/instances/{name}/uefi-vars` (extension
    /// `instances_uefi_vars`, 5.21).
    pub fn uefi_vars(&self) -> Object<C, InstanceUEFIVars> {
        Object::new(&self.client, self.at.clone())
    }
}
