//! Settings that the design has and this version has not. Each is an error
//! that says so, because a setting without effect would be worse.

/// Sections of the whole file.
const FILE: &[&str] = &["endpoints", "functions", "identity", "encryption", "kafka", "notify"];

/// Keys of a dataset.
const DATASET: &[&str] = &["archive", "delta", "encryption", "function", "image", "json", "kafka", "notify", "sinks", "upstream", "xml"];

/// Keys of the section that `path` names, which are known and not built yet.
pub fn keys(path: &[String]) -> &'static [&'static str] {
    match path {
        [] => FILE,
        [first, _] if first == "datasets" => DATASET,
        _ => &[],
    }
}
