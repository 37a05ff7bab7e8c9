//! Segments: appends that are there on return, in files that only grow in use.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use landfall_model::limits::SEGMENT_BYTES;
use landfall_store::Placed;

use crate::backends::{local, noise, s3};

fn size(root: &Path, key: &str) -> u64 {
    fs::metadata(root.join(key)).unwrap().len()
}

#[tokio::test]
async fn appended_bodies_are_read_back_by_their_place() {
    let (root, store) = local();
    let mut segments = store.segments().unwrap();
    let mut placed: Vec<(Placed, Vec<u8>)> = Vec::new();
    for number in 0..50 {
        // Many pieces, some of them empty.
        let pieces: Vec<Bytes> = (0..1500).map(|piece| noise(piece % 7, number).into()).collect();
        placed.push((segments.append(&pieces).unwrap(), pieces.concat()));
    }
    for (place, body) in &placed {
        assert_eq!(place.key, placed[0].0.key);
        let range = place.offset..place.offset + body.len() as u64;
        assert_eq!(store.get_range(&place.key, range).await.unwrap(), body);
    }
    let key = &placed[0].0.key;
    assert_eq!(size(root.path(), key), SEGMENT_BYTES);
    drop(segments);
    let used: usize = placed.iter().map(|(_, body)| body.len().next_multiple_of(4096)).sum();
    assert_eq!(size(root.path(), key), used as u64, "what is not used is given back");
    let mut restarted = store.segments().unwrap();
    assert_ne!(&restarted.append(&[Bytes::from_static(b"x")]).unwrap().key, key, "an old segment is never appended to");
}

#[tokio::test]
async fn a_full_segment_is_followed_by_the_next() {
    let (root, store) = local();
    let mut segments = store.segments().unwrap();
    let body = Bytes::from(noise(6 << 20, 5));
    let places: Vec<_> = (0..21).map(|_| segments.append(std::slice::from_ref(&body)).unwrap()).collect();
    let mut keys: Vec<_> = places.iter().map(|place| place.key.as_str()).collect();
    keys.dedup();
    assert_eq!(keys.len(), 3, "ten bodies of 6 MiB fit one segment");
    assert_eq!(size(root.path(), keys[0]), 60 << 20);
    for place in &places {
        assert_eq!(store.get_range(&place.key, place.offset..place.offset + (6 << 20)).await.unwrap(), body);
    }
    // Larger than any segment: it gets one of its own size.
    let large = vec![body.clone(); 12];
    let place = segments.append(&large).unwrap();
    assert_eq!(place.offset, 0);
    assert_eq!(store.get_range(&place.key, 66 << 20..72 << 20).await.unwrap(), body);
    drop(segments);
    assert_eq!(fs::read_dir(root.path().join(".tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn s3_has_no_segments() {
    assert!(s3().await.segments().is_none());
}
