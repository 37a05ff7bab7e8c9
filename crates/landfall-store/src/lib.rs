//! Keeps immutable objects by key. What is acknowledged here survives a power
//! failure: on the local disk file and folders are synced first (object_store's
//! own local store never syncs), on S3 the service has answered. Objects are
//! atomic (all of one is there or nothing) and never change once written.
//!
//! `Store` is the handle; `keys` is the only builder of object keys; `folder`
//! is the only place that makes a file durable.

mod direct;
mod errors;
mod folder;
pub mod keys;
mod local;
mod lock;
mod multipart;
mod reader;
mod s3;
mod s3_bucket;
pub mod sealed;
mod segments;
mod store;
mod stream;
mod upload;
mod upload_local;
mod upload_s3;
mod url;

pub use errors::{from_io, from_object_store};
pub use lock::FolderLock;
pub use reader::StoreReader;
pub use segments::{Held, Placed, Segments};
pub use store::{Object, Store};
pub use upload::{Stored, Upload};
pub use url::StoreUrl;
