//! What an image server has, by its catalogue: simplestreams, read and resolved without I/O.
//!
//! | step | bytes from | read by | gives |
//! |---|---|---|---|
//! | 1 | `{server}/streams/v1/index.json` ([`INDEX`]) | [`catalogues`] | paths of catalogues |
//! | 2 | `{server}/{path}` of each | [`Catalogue::read`] | images |
//! | 3 | | [`Catalogue::find`] | one image with its files, or why there is none |
//! | 4 | `{server}/{path}` of its files | SHA-256 of each, and of both in turn | the image |
//!
//! A server fetches such images by itself ([`ImagesPost::from_simplestreams`](crate::resources::ImagesPost)); this is for
//! those who want to see before what it will take, mirror it, or know why it finds nothing. LXD's servers read the same.
//! Fetch by HTTPS: nothing in a catalogue is signed.
//!
//! ```
//! use lxd_proto::simplestreams::{Catalogue, Wanted};
//!
//! let json = br#"{"products": {"busybox:1.35:amd64": {
//!     "aliases": "busybox,busybox/1.35", "arch": "amd64", "os": "BusyBox", "release": "1.35",
//!     "versions": {"20260101_00:00": {"items": {"lxd_combined.tar.gz": {
//!         "ftype": "lxd_combined.tar.gz", "path": "images/busybox.tar.gz", "size": 7,
//!         "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}}}}}}"#;
//! let catalogue = Catalogue::read(json)?;
//! let image = catalogue.find(&Wanted::new("busybox").architecture("x86_64")).unwrap();
//! assert_eq!(image.files[0].path, "images/busybox.tar.gz");
//!
//! let none = catalogue.find(&Wanted::new("busybox").architecture("aarch64")).unwrap_err();
//! assert_eq!(none.to_string(), "no image \"busybox\": busybox:1.35:amd64 is for x86_64, not aarch64");
//! # Ok::<(), lxd_proto::Error>(())
//! ```

#[allow(unreachable_pub)] // `model!` declares what is public
mod file;

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use self::file::{Index, Item, Product, Products, Version};
use crate::{Error, Fingerprint, error::decode, resources::InstanceType};

/// Where the list of catalogues is, below the server's address.
pub const INDEX: &str = "streams/v1/index.json";

/// Reads the list of catalogues: their paths below the server's address, of those that have images.
///
/// # Errors
/// [`Error::Decode`] for what is no index.
pub fn catalogues(json: &[u8]) -> Result<Vec<String>, Error> {
    let index: Index = decode("list of catalogues", json)?;
    let entries = index.index.into_values();
    let images = entries.filter(|entry| entry.datatype == "image-downloads" && !entry.products.is_empty());
    Ok(images.map(|entry| entry.path).collect())
}

/// What is looked for: a name, or a fingerprint or its beginning (12 digits at least).
#[derive(Clone, Debug)]
pub struct Wanted {
    name: String,
    architecture: Option<String>,
    kind: Option<InstanceType>,
}

impl Wanted {
    /// An image by one of its names, also with `/{architecture}` at its end.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), architecture: None, kind: None }
    }

    /// Only for this architecture, in LXD's word or in Debian's: `x86_64` or `amd64`. By default, the first that there is.
    #[must_use]
    pub fn architecture(mut self, architecture: &str) -> Self {
        self.architecture = Some(lxd_architecture(architecture).unwrap_or(architecture).into());
        self
    }

    /// Only for instances of this type. By default, for containers rather than for virtual machines.
    #[must_use]
    pub fn kind(mut self, kind: InstanceType) -> Self {
        self.kind = Some(kind);
        self
    }
}

/// An image that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamedImage {
    /// Its fingerprint: the SHA-256 of its file, or of its two files one after the other.
    pub fingerprint: Fingerprint,
    /// The product's name in the catalogue.
    pub product: String,
    /// The version's name, as `20240505_07:42`.
    pub version: String,
    /// All its names.
    pub aliases: Vec<String>,
    /// What it is for, in LXD's word: `x86_64`.
    pub architecture: String,
    /// Which instances are made of it.
    pub kind: InstanceType,
    /// One file, or the metadata and the root file system.
    pub files: Vec<StreamedFile>,
    /// What it is, by key, as LXD keeps it: `os`, `release`, `version`, `variant`, `serial`, `type`, `requirements.*`.
    pub properties: BTreeMap<String, String>,
}

/// A file of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamedFile {
    /// Where it is, below the server's address. It does not lead out of there.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Fingerprint,
}

/// Why something of a catalogue is not what was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassedOver {
    /// It is for another architecture.
    Architecture {
        /// The product.
        product: String,
        /// What it is for.
        has: String,
        /// What was looked for.
        wanted: String,
    },
    /// It is for another type of instance.
    Kind {
        /// The product and the version.
        image: String,
        /// What it is for.
        has: InstanceType,
    },
    /// It cannot be used.
    Broken {
        /// The product, with the version and the file as far as it is about those.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Architecture { product, has, wanted } => write!(f, "{product} is for {has}, not {wanted}"),
            Self::Kind { image, has } => write!(f, "{image} is for a {}", has.as_str()),
            Self::Broken { what, reason } => write!(f, "{what}: {reason}"),
        }
    }
}

/// There is no such image in a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no image {name:?}: {}", reasons(.passed_over))]
pub struct NotFound {
    /// What was looked for.
    pub name: String,
    /// What has this name, and is not it all the same; nothing when nothing has this name.
    pub passed_over: Vec<PassedOver>,
}

fn reasons(passed_over: &[PassedOver]) -> String {
    let reasons: Vec<_> = passed_over.iter().map(ToString::to_string).collect();
    if reasons.is_empty() { "nothing has this name".into() } else { reasons.join("; ") }
}

/// The images of one catalogue.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    images: Vec<StreamedImage>,
    broken: Vec<Broken>,
}

/// What cannot be used, and the names that it would have.
#[derive(Clone, Debug)]
struct Broken {
    aliases: Vec<String>,
    what: String,
    reason: String,
}

impl Catalogue {
    /// Reads a catalogue. What cannot be used of it is passed over, and is a reason when that was looked for.
    ///
    /// # Errors
    /// [`Error::Decode`] for what is no catalogue.
    pub fn read(json: &[u8]) -> Result<Self, Error> {
        let products: Products = decode("catalogue of images", json)?;
        let mut catalogue = Self::default();
        for (name, product) in &products.products {
            catalogue.add(name, product);
        }
        // The newest first, and the files of one version in the order of LXD's preference, which is that of `KINDS`.
        catalogue.images.sort_by(|a, b| b.version.cmp(&a.version));
        Ok(catalogue)
    }

    /// All images, the newest first.
    pub fn images(&self) -> &[StreamedImage] {
        &self.images
    }

    /// The newest image that is this.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(&self, wanted: &Wanted) -> Result<&StreamedImage, NotFound> {
        let mut passed_over = Vec::new();
        let mut found: Option<&StreamedImage> = None;
        for image in self.images.iter().filter(|image| image.has(&wanted.name)) {
            match wanted.passes_over(image) {
                Some(reason) if passed_over.contains(&reason) => {}
                Some(reason) => passed_over.push(reason),
                // Of those for both types, the one for containers, as LXD has it.
                None if wanted.kind.is_none() && image.kind == InstanceType::VirtualMachine => {
                    found.get_or_insert(image);
                }
                None => return Ok(image),
            }
        }
        let broken = self.broken.iter().filter(|broken| broken.aliases.contains(&wanted.name));
        passed_over.extend(
            broken.map(|Broken { what, reason, .. }| PassedOver::Broken { what: what.clone(), reason: reason.clone() }),
        );
        found.ok_or_else(|| NotFound { name: wanted.name.clone(), passed_over })
    }

    fn add(&mut self, name: &str, product: &Product) {
        let aliases = product.aliases(&product.arch);
        let Some(architecture) = lxd_architecture(&product.arch) else {
            let reason = format!("LXD knows no architecture {:?}", product.arch);
            self.broken.push(Broken { aliases, what: name.into(), reason });
            return;
        };
        for (version, content) in &product.versions {
            let whole = format!("{name} {version}");
            let mut broken = |what: String, reason: String| {
                self.broken.push(Broken { aliases: aliases.clone(), what, reason });
            };
            if !version.as_bytes().get(..8).is_some_and(|date| date.iter().all(u8::is_ascii_digit)) {
                broken(whole, "the version is no date".into());
                continue;
            }
            let images = content.images();
            if images.is_empty() {
                broken(whole, "it has no files that LXD makes an image of".into());
                continue;
            }
            for (kind, result) in images {
                let (fingerprint, files) = match result {
                    Ok(found) => found,
                    Err(reason) => {
                        broken(format!("{whole} {}", kind.root.unwrap_or(UNIFIED[0])), reason);
                        continue;
                    }
                };
                self.images.push(StreamedImage {
                    fingerprint,
                    product: name.into(),
                    version: version.clone(),
                    aliases: aliases.clone(),
                    architecture: architecture.into(),
                    kind: kind.instances(),
                    files,
                    properties: product.properties(version, content, kind),
                });
            }
        }
    }
}

impl StreamedImage {
    fn has(&self, name: &str) -> bool {
        let hex = name.len() >= 12 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.aliases.iter().any(|alias| alias == name)
            || hex && self.fingerprint.to_string().starts_with(&name.to_ascii_lowercase())
    }
}

impl Wanted {
    fn passes_over(&self, image: &StreamedImage) -> Option<PassedOver> {
        if let Some(wanted) = self.architecture.as_ref().filter(|wanted| **wanted != image.architecture) {
            let (product, has) = (image.product.clone(), image.architecture.clone());
            return Some(PassedOver::Architecture { product, has, wanted: wanted.clone() });
        }
        let other = self.kind.as_ref().is_some_and(|kind| *kind != image.kind);
        let at = || format!("{} {}", image.product, image.version);
        other.then(|| PassedOver::Kind { image: at(), has: image.kind.clone() })
    }
}

/// What an image is made of: its root file system's type, and the key of the fingerprint in its metadata.
#[derive(Clone, Copy, Debug)]
struct Kind {
    root: Option<&'static str>,
    fingerprint: &'static [&'static str],
}

/// The metadata's file types: LXD's and Incus's.
const METADATA: [&str; 2] = ["lxd.tar.xz", "incus.tar.xz"];
/// The file types of an image in one file.
const UNIFIED: [&str; 2] = ["lxd_combined.tar.gz", "incus_combined.tar.gz"];

/// In the order of LXD's preference.
const KINDS: [Kind; 5] = [
    Kind { root: Some("squashfs"), fingerprint: &["combined_squashfs_sha256"] },
    Kind { root: Some("root.tar.xz"), fingerprint: &["combined_rootxz_sha256", "combined_sha256"] },
    Kind { root: Some("disk-kvm.img"), fingerprint: &["combined_disk-kvm-img_sha256"] },
    Kind { root: Some("uefi1.img"), fingerprint: &["combined_uefi1-img_sha256"] },
    Kind { root: Some("disk1.img"), fingerprint: &["combined_disk1-img_sha256"] },
];

impl Kind {
    fn instances(self) -> InstanceType {
        let machine = self.root.is_some_and(|root| root.ends_with(".img"));
        if machine { InstanceType::VirtualMachine } else { InstanceType::Container }
    }
}

type Found = Result<(Fingerprint, Vec<StreamedFile>), String>;

impl Version {
    fn of_type(&self, types: &[&str]) -> Option<&Item> {
        types.iter().find_map(|ftype| self.items.values().find(|item| item.ftype == *ftype))
    }

    /// The images that can be made of its files, or why one cannot.
    fn images(&self) -> Vec<(Kind, Found)> {
        let mut images = Vec::new();
        if let Some(item) = self.of_type(&UNIFIED) {
            let found = item.file().map(|file| (file.sha256, [file].into()));
            images.push((Kind { root: None, fingerprint: &[] }, found));
        }
        for kind in KINDS {
            let Some(root) = kind.root.and_then(|root| self.of_type(&[root])) else { continue };
            images.push((kind, self.of_two(kind, root)));
        }
        images
    }

    fn of_two(&self, kind: Kind, root: &Item) -> Found {
        let metadata = self.of_type(&METADATA).ok_or("it has no metadata (lxd.tar.xz)")?;
        let key = kind.fingerprint.iter().find_map(|key| metadata.combined.get(*key));
        let key = key.and_then(|value| value.as_str()).ok_or("its metadata says no fingerprint for it")?;
        let fingerprint = key.parse().map_err(|_| format!("{key:?} is no fingerprint"))?;
        Ok((fingerprint, [metadata.file()?, root.file()?].into()))
    }
}

impl Item {
    fn file(&self) -> Result<StreamedFile, String> {
        let sha256 = self.sha256.parse().map_err(|_| format!("{:?} is no SHA-256", self.sha256))?;
        // Some mirrors begin it with a slash; it is below the server's address all the same.
        let path = self.path.trim_start_matches('/');
        let below = path.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
        // A version's name has a colon too, but not at the beginning, where it would be a scheme's.
        let relative = path.split('/').next().is_some_and(|first| !first.contains(':'));
        if !below || !relative || path.contains(['\\', '\0', '?', '#']) {
            return Err(format!("the path {:?} leads elsewhere", self.path));
        }
        Ok(StreamedFile { path: path.into(), size: self.size, sha256 })
    }
}

/// LXD's word for an architecture, of LXD's or Debian's.
fn lxd_architecture(name: &str) -> Option<&'static str> {
    Some(match name {
        "i686" | "i386" | "i586" | "386" | "x86" => "i686",
        "x86_64" | "amd64" => "x86_64",
        "armv6l" | "armel" => "armv6l",
        "armv7l" | "armhf" | "arm" | "armhfp" | "armv7a_hardfp" | "armv7" | "armv7a_vfpv3_hardfp" => "armv7l",
        "armv8l" => "armv8l",
        "aarch64" | "arm64" | "arm64_generic" => "aarch64",
        "ppc" | "powerpc" => "ppc",
        "ppc64" | "powerpc64" => "ppc64",
        "ppc64le" | "ppc64el" => "ppc64le",
        "s390x" | "mainframe" => "s390x",
        "mips" | "mipsel" | "mipsle" => "mips",
        "mips64" | "mips64el" | "mips64le" => "mips64",
        "riscv32" | "rv32" => "riscv32",
        "riscv64" | "rv64" => "riscv64",
        "loongarch64" | "loong64" => "loongarch64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
