//! The only builder of object keys. No key is ever given to two different
//! contents: each holds an id that is made once.

use landfall_model::{DatasetName, LandingId, ManifestId, ReplayId, SegmentId, Timestamp, UploadId};

/// Where landings that are not inline lie.
pub const LANDINGS: &str = "landings";
/// Where segments lie.
pub const SEGMENTS: &str = "segments";
/// Where bodies lie that were sealed.
pub const SEALED: &str = "sealed";
/// Where rejects lie.
pub const REJECTS: &str = "rejects";
/// Where the parts of resumable uploads lie.
pub const UPLOADS: &str = "uploads";
/// Before the key that an object had until it was archived.
pub const ARCHIVE: &str = "archive";
/// Where the datasets' tables lie.
pub const TABLES: &str = "tables";

/// The body of one landing. By day, so that what expires together lies together.
pub fn landing(dataset: &DatasetName, id: &LandingId, received_at: Timestamp) -> String {
    format!("{LANDINGS}/{dataset}/{}/{id}", received_at.day())
}

/// The same body by itself, after it lay with others.
pub fn landing_apart(dataset: &DatasetName, id: &LandingId, received_at: Timestamp, copy: &ManifestId) -> String {
    format!("{LANDINGS}/{dataset}/{}/{id}-{copy}", received_at.day())
}

/// Bodies of one dataset that expire together.
pub fn sealed(dataset: &DatasetName, partition: &str, id: &ManifestId) -> String {
    format!("{SEALED}/{dataset}/{partition}/{id}")
}

/// The copy of an object in the archive.
pub fn archived(key: &str, copy: &ManifestId) -> String {
    format!("{ARCHIVE}/{key}-{copy}")
}

/// A preallocated file of many bodies.
pub fn segment(id: &SegmentId) -> String {
    format!("{SEGMENTS}/{id}")
}

/// The rejects of one manifest, one JSON document a line.
pub fn rejects(dataset: &DatasetName, manifest: &ManifestId) -> String {
    format!("{REJECTS}/{dataset}/{manifest}.ndjson")
}

/// Everything that a resumable upload has brought so far.
pub fn upload(id: &UploadId) -> String {
    format!("{UPLOADS}/{id}")
}

/// The piece of a resumable upload that begins at byte `offset`; in a list the pieces stand in order.
pub fn upload_part(id: &UploadId, offset: u64) -> String {
    format!("{UPLOADS}/{id}/{offset:020}")
}

/// The root of a dataset's table.
pub fn table_root(dataset: &DatasetName) -> String {
    format!("{TABLES}/{dataset}")
}

/// The root of a side table: each that was ever made of that name has one of its own.
pub fn side_table_root(dataset: &DatasetName, made_by: &ReplayId) -> String {
    format!("{TABLES}/{dataset}/{made_by}")
}

/// A data file, relative to its table's root. A character of `partition` that would need escaping in a URL becomes
/// `-`: readers take the partition's value from the table's log, never from the path.
pub fn data_file(manifest: &ManifestId, partition: &str, part: usize) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '-' };
    let partition: String = partition.chars().map(plain).collect();
    format!("_partition={partition}/{manifest}-{part:05}.parquet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use landfall_model::Clock;

    #[test]
    fn keys_are_paths_that_every_store_takes_as_they_are() {
        let clock = Clock::fixed(Timestamp(1_700_000_000_000_000), 1);
        let orders: DatasetName = "orders".parse().unwrap();
        let (manifest, upload) = (ManifestId::new(&clock), UploadId::new(&clock));
        let landing = LandingId::new(&clock);
        let keys = [
            super::landing(&orders, &landing, clock.now()),
            segment(&SegmentId::new(&clock)),
            rejects(&orders, &manifest),
            upload_part(&upload, 5 << 40),
            format!("{}/{}", table_root(&orders), data_file(&manifest, "2023-11-14T22:05", 3)),
        ];
        for key in &keys {
            assert_eq!(object_store::path::Path::parse(key).unwrap().as_ref(), key);
        }
        assert_eq!(keys[0], format!("landings/orders/2023-11-14/{landing}"));
        assert_eq!(keys[4], format!("tables/orders/_partition=2023-11-14T22-05/{manifest}-00003.parquet"));
        assert!(upload_part(&upload, 9) < upload_part(&upload, 10));
    }
}
