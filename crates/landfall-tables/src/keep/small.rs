//! Which small files of a table become one: pure, from its state.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_model::limits;

use crate::delta::{File, State};

/// A file is small in one of these ways, in bytes: files are merged with their like, so that a row is rewritten once a
/// step and not with every file that comes.
const STEPS: [i64; 3] = [1 << 20, 8 << 20, limits::SMALL_FILE_BYTES];

fn step(file: &File) -> Option<usize> {
    STEPS.iter().position(|bytes| file.data.size < *bytes)
}

/// Files of one partition that shall become one, in the order of their landings; none if no partition has enough of them.
/// `closed` tells of a partition that nothing more comes into: there all that is small becomes one.
pub(super) fn choose(state: &State, closed: impl Fn(&str) -> bool) -> Vec<Arc<File>> {
    let mut partitions: BTreeMap<&str, Vec<&Arc<File>>> = BTreeMap::new();
    for file in state.files.values() {
        if step(file).is_some() {
            partitions.entry(&file.data.partition).or_default().push(file);
        }
    }
    for (partition, mut files) in partitions {
        // What a landing's rows are in stays together; ids go up with time.
        files.sort_by_cached_key(|file| (first_landing(file), file.data.path.clone()));
        let steps = if closed(partition) { vec![None] } else { vec![Some(0), Some(1), Some(2)] };
        for wanted in steps {
            let least = if wanted.is_none() { 2 } else { limits::SMALL_FILES_MIN };
            let alike = files.iter().filter(|file| wanted.is_none() || step(file) == wanted);
            let chosen = up_to_size(alike.map(|file| Arc::clone(file)));
            if chosen.len() >= least {
                return chosen;
            }
        }
    }
    Vec::new()
}

fn first_landing(file: &File) -> String {
    file.stats().min_values.get("_landing").and_then(|id| id.as_str()).unwrap_or_default().to_owned()
}

/// As many of them as one file shall hold, and one transaction names.
fn up_to_size(files: impl Iterator<Item = Arc<File>>) -> Vec<Arc<File>> {
    let mut bytes = 0;
    let fits = move |file: &Arc<File>| {
        bytes += file.data.size;
        bytes <= limits::MERGED_FILE_BYTES
    };
    files.take_while(fits).take(limits::MERGED_FILES_MAX).collect()
}
