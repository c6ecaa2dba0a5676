//! Images and their aliases: `/1.0/images`, `/1.0/images/aliases`.

use alloc::{string::String, vec::Vec};

use super::{Config, CreatedImage, ImagesPost, InstanceType};
use crate::{
    compat::{Timestamp, model, request, writable},
    crud::{AcrossProjects, Creatable, Deletable, Editable, Filterable, Patchable, Renamable, resource},
    entitlements::Entitled,
};

model! {
    /// A name of an image, as the image has it.
    #[derive(serde::Serialize)]
    pub struct ImageAlias {
        /// The name.
        pub name: String,
        /// What it is for.
        pub description: String,
    }
}

model! {
    /// An image.
    pub struct Image {
        /// Its SHA-256, hex.
        pub fingerprint: String,
        /// Its names.
        pub aliases: Vec<ImageAlias>,
        /// Its architecture, as `x86_64`.
        pub architecture: String,
        /// Whether it is kept up to date.
        pub auto_update: bool,
        /// Whether the server fetched it by itself, for an instance.
        pub cached: bool,
        /// When it was made; unset or 1970 means unknown.
        pub created_at: Timestamp,
        /// When it is out of date; unset or 1970 means never.
        pub expires_at: Timestamp,
        /// When an instance was last made of it.
        pub last_used_at: Timestamp,
        /// When the server got it.
        pub uploaded_at: Timestamp,
        /// The name of its file.
        pub filename: String,
        /// The profiles that instances made of it get.
        pub profiles: Vec<String>,
        /// What it is, by key: `os`, `release`, `description`.
        pub properties: Config,
        /// Whether untrusted clients may have it.
        pub public: bool,
        /// Its size in bytes.
        pub size: i64,
        /// What is made of it.
        #[serde(rename = "type")]
        pub kind: InstanceType,
        /// Where it is updated from.
        pub update_source: Option<ImageSource>,
        /// The project it is in (`images_all_projects`, 6.3).
        pub project: String,
        /// The code name of its release (`image_extended_metadata`).
        pub release_codename: String,
        /// Its release, in words (`image_extended_metadata`).
        pub release_title: String,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// Where an image is updated from.
    pub struct ImageSource {
        /// The alias there.
        pub alias: String,
        /// The server's certificate, PEM.
        pub certificate: String,
        /// `lxd` or `simplestreams`.
        pub protocol: String,
        /// The server's address.
        pub server: String,
        /// What is made of it.
        pub image_type: InstanceType,
        /// The registry it is in, by its name (`image_registries`).
        pub image_registry: String,
    }

    /// A name of an image.
    pub struct ImageAliasesEntry {
        /// The name. It may hold `/`.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The image's fingerprint.
        pub target: String,
        /// What is made of the image.
        #[serde(rename = "type")]
        pub kind: InstanceType,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }
}

writable! {
    /// What can be written of an [`Image`].
    pub struct ImagePut / ImagePatch {
        /// Whether it is kept up to date.
        pub auto_update: bool,
        /// When it is out of date.
        pub expires_at: Timestamp,
        /// The profiles that instances made of it get.
        pub profiles: Vec<String>,
        /// What it is, by key.
        pub properties: Config,
        /// Whether untrusted clients may have it.
        pub public: bool,
    }

    /// What can be written of an [`ImageAliasesEntry`].
    pub struct ImageAliasesEntryPut / ImageAliasesEntryPatch {
        /// What it is for.
        pub description: String,
        /// The image's fingerprint.
        pub target: String,
    }
}

request! {
    /// An alias to be made: `POST /1.0/images/aliases`.
    pub struct ImageAliasesPost {
        /// The name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// The image's fingerprint.
        pub target: String,
        /// What is made of the image.
        #[serde(rename = "type")]
        pub kind: InstanceType,
    }
}

impl ImageAliasesPost {
    /// This name for this image.
    pub fn new(name: impl Into<String>, fingerprint: impl Into<String>) -> Self {
        Self { name: name.into(), target: fingerprint.into(), ..Self::default() }
    }
}

resource! { Image, "image": "images" }

impl Editable for Image {
    type Put = ImagePut;
    const READ_ONLY: &'static [&'static str] = &[
        "access_entitlements",
        "aliases",
        "architecture",
        "cached",
        "created_at",
        "filename",
        "fingerprint",
        "last_used_at",
        "locations",
        "project",
        "release_codename",
        "release_title",
        "size",
        "type",
        "update_source",
        "uploaded_at",
    ];
}

impl Creatable for Image {
    type Post = ImagesPost;
    type Answer = CreatedImage;
}

impl Patchable for Image {
    type Patch = ImagePatch;
}

impl Deletable for Image {}
impl Entitled for Image {}

impl Filterable for Image {
    const EXTENSION: &'static str = "api_filtering";
}

impl AcrossProjects for Image {
    const EXTENSION: &'static str = "images_all_projects";
}

resource! { ImageAliasesEntry, "image alias": "images/aliases" }

impl Creatable for ImageAliasesEntry {
    type Post = ImageAliasesPost;
    type Answer = ();
}

impl Editable for ImageAliasesEntry {
    type Put = ImageAliasesEntryPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "name", "type"];
}

impl Patchable for ImageAliasesEntry {
    type Patch = ImageAliasesEntryPatch;
}

impl Renamable for ImageAliasesEntry {}
impl Entitled for ImageAliasesEntry {}
impl Deletable for ImageAliasesEntry {}
