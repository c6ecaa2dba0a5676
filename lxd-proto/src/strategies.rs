//! Strategies for [proptest]: what LXD may say of its objects, and everything that goes between a client and a server, for
//! property tests of your own (feature `proptest`).
//!
//! Objects come as [`Said`]: the JSON as a server writes it, and what it is read as. Any key may be missing or `null`, as
//! Go leaves them, and there may be keys that no version of this crate knows.
//!
//! ```
//! use lxd_proto::{Endpoint, Get, resources::Instance, strategies};
//! use proptest::prelude::proptest;
//!
//! proptest! {
//!     fn an_instance_is_read(said in strategies::instance()) {
//!         let get = Get::<Instance>::new("c1".into());
//!         let fetched = get.response(said.answer()).unwrap();
//!         assert_eq!(fetched.value, said.value);
//!     }
//! }
//! # an_instance_is_read();
//! ```

mod messages;
mod objects;
mod values;

pub use messages::{answer, ask, attributes, byte_path, failure, message, not_lxd, pieces, refusal};
pub use objects::*;
pub use values::*;
