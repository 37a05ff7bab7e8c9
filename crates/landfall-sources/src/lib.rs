//! Receives: one folder per source. Each turns its protocol into calls of
//! `Land`, and none acknowledges anything before `Land` has.

mod files;
pub mod http;
pub mod s3;
