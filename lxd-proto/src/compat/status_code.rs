//! LXD's numbers for how something stands.

use serde::{Deserialize, Serialize};

/// LXD's numeric status: 100 to 199 is a state or in progress, 200 to 399 a good end, 400 to 599 a bad one.
///
/// The same numbers serve operations and instances, in LXD and in Incus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// The operation was created.
    pub const OPERATION_CREATED: Self = Self(100);
    /// Started.
    pub const STARTED: Self = Self(101);
    /// The instance is stopped.
    pub const STOPPED: Self = Self(102);
    /// The instance or operation runs.
    pub const RUNNING: Self = Self(103);
    /// The operation is being cancelled.
    pub const CANCELLING: Self = Self(104);
    /// The operation waits for its start.
    pub const PENDING: Self = Self(105);
    /// Starting.
    pub const STARTING: Self = Self(106);
    /// Stopping.
    pub const STOPPING: Self = Self(107);
    /// Aborting.
    pub const ABORTING: Self = Self(108);
    /// Freezing.
    pub const FREEZING: Self = Self(109);
    /// The instance is frozen.
    pub const FROZEN: Self = Self(110);
    /// Thawed.
    pub const THAWED: Self = Self(111);
    /// The instance is in an error state.
    pub const ERROR: Self = Self(112);
    /// The instance said that it is ready.
    pub const READY: Self = Self(113);
    /// The operation succeeded.
    pub const SUCCESS: Self = Self(200);
    /// The operation failed.
    pub const FAILURE: Self = Self(400);
    /// The operation was cancelled.
    pub const CANCELLED: Self = Self(401);

    /// Whether nothing more will happen (200 and above).
    pub fn is_final(self) -> bool {
        self.0 >= 200
    }
}
