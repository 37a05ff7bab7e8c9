//! The verbs, each told as a story and held on both databases.

mod files;
mod jobs;
mod landing;
mod loads;
mod support;
