//! Files: put, read with ranges, listed and deleted under their keys.

pub(super) mod conditions;
pub(super) mod delete;
mod digest;
pub(super) mod get;
mod head;
pub(super) mod list;
pub(super) mod put;
mod range;

pub(super) use put::{FileReceipt, answer, content_type};
