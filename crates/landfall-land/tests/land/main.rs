//! The way in, on both catalogs and a real folder.

mod events;
mod files;
mod support;
