//! Storage buckets and their keys, for S3 clients: `/1.0/storage-pools/{pool}/buckets`.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{Config, Operation, StoragePool};
use crate::{
    Answer, Client, Collection, Error, Object, Response,
    compat::{Secret, model, request, writable},
    crud::{AcrossProjects, Creatable, Deletable, Editable, Patchable, resource},
    entitlements::Entitled,
    error::decode,
};

model! {
    /// A storage bucket (extension `storage_buckets`, 5.5).
    pub struct StorageBucket {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration: `size`.
        pub config: Config,
        /// Where S3 clients find it.
        pub s3_url: String,
        /// The cluster member that it is on; `none` without a cluster.
        pub location: String,
        /// The project it is in (`storage_buckets_all_projects`, 6.4).
        pub project: String,
        /// What the asker may do with it, of what was [asked for](crate::Call::with_access_entitlements).
        pub access_entitlements: Vec<String>,
    }

    /// What an S3 client opens a bucket with.
    pub struct StorageBucketKey {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// `admin` or `read-only`.
        pub role: String,
        /// What the S3 client calls the access key: no secret.
        #[serde(rename = "access-key")]
        pub access_key: String,
        /// What the S3 client calls the secret key.
        #[serde(rename = "secret-key")]
        pub secret_key: Secret,
    }
}

writable! {
    /// What can be written of a [`StorageBucket`].
    pub struct StorageBucketPut / StorageBucketPatch {
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }
}

writable! {
    /// What can be written of a [`StorageBucketKey`].
    pub struct StorageBucketKeyPut {
        /// What it is for.
        pub description: String,
        /// `admin` or `read-only`.
        pub role: String,
        /// What the S3 client calls the access key; the server makes one when it is empty.
        #[serde(rename = "access-key")]
        pub access_key: String,
        /// What the S3 client calls the secret key; the server makes one when it is empty.
        #[serde(rename = "secret-key")]
        pub secret_key: Secret,
    }
}

request! {
    /// A bucket to be made: `POST /1.0/storage-pools/{pool}/buckets`.
    pub struct StorageBucketsPost {
        /// Its name: lower-case letters, digits, hyphens and dots.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// Its configuration.
        pub config: Config,
    }

    /// A key to be made: `POST /1.0/storage-pools/{pool}/buckets/{bucket}/keys`.
    pub struct StorageBucketKeysPost {
        /// Its name.
        pub name: String,
        /// What it is for.
        pub description: String,
        /// `admin` or `read-only`; empty means `read-only`.
        pub role: String,
        /// What the S3 client calls the access key; the server makes one when it is empty.
        #[serde(rename = "access-key")]
        pub access_key: String,
        /// What the S3 client calls the secret key; the server makes one when there is none.
        #[serde(rename = "secret-key")]
        pub secret_key: Option<Secret>,
    }
}

impl StorageBucketsPost {
    /// A bucket of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

impl StorageBucketKeysPost {
    /// A key of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// The key that was made: of a new bucket, that of its administrator. None when the server does not say it (5.5, for a
/// bucket).
impl Answer for Option<StorageBucketKey> {
    fn done(_: &Response, metadata: &str) -> Result<Self, Error> {
        key(metadata)
    }

    fn finished(operation: &Operation) -> Result<Self, Error> {
        operation.metadata.get("key").map_or(Ok(None), |metadata| key(&metadata.to_string()))
    }
}

/// A key that was made. LXD's "nothing" is `null` or an empty object.
fn key(metadata: &str) -> Result<Option<StorageBucketKey>, Error> {
    let key: Option<StorageBucketKey> = decode("a bucket's key", metadata.as_bytes())?;
    Ok(key.filter(|key| *key != StorageBucketKey::default()))
}

resource! { StorageBucket, "storage bucket" ("storage_buckets"): StoragePool / "buckets" }

impl Creatable for StorageBucket {
    type Post = StorageBucketsPost;
    type Answer = Option<StorageBucketKey>;
}

impl Editable for StorageBucket {
    type Put = StorageBucketPut;
    const READ_ONLY: &'static [&'static str] = &["access_entitlements", "location", "name", "project", "s3_url"];
}

impl Patchable for StorageBucket {
    type Patch = StorageBucketPatch;
}

impl Deletable for StorageBucket {}
impl Entitled for StorageBucket {}

impl AcrossProjects for StorageBucket {
    const EXTENSION: &'static str = "storage_buckets_all_projects";
}

resource! { StorageBucketKey, "bucket key" ("storage_buckets"): StorageBucket / "keys" }

impl Creatable for StorageBucketKey {
    type Post = StorageBucketKeysPost;
    type Answer = Option<Self>;
}

impl Editable for StorageBucketKey {
    type Put = StorageBucketKeyPut;
    const READ_ONLY: &'static [&'static str] = &["name"];
}

impl Deletable for StorageBucketKey {}

impl<C: Client> Object<C, StorageBucket> {
    /// Its keys: `/1.0/storage-pools/{pool}/buckets/{name}/keys`.
    pub fn keys(&self) -> Collection<C, StorageBucketKey> {
        Collection::new(&self.client, self.at.clone())
    }

    /// One of its keys: `/1.0/storage-pools/{pool}/buckets/{name}/keys/{key}`.
    pub fn key(&self, name: impl Into<String>) -> Object<C, StorageBucketKey> {
        Object::new(&self.client, (self.at.clone(), name.into()))
    }
}
