//! The blocking reader, against a cursor over the same bytes.

use std::io::{Cursor, Read, Seek, SeekFrom};

use crate::backends::{both, noise};

/// Reads, seeks and reads again from both, and compares.
fn compare(mut reader: impl Read + Seek, expected: &[u8]) {
    let mut cursor = Cursor::new(expected);
    let (mut got, mut wanted) = (Vec::new(), Vec::new());
    let end = expected.len() as i64;
    let seeks = [
        SeekFrom::Start(0),
        SeekFrom::End(-22),
        SeekFrom::Start(8 << 20),
        SeekFrom::Current(-70_000),
        SeekFrom::Start((8 << 20) - 1),
        SeekFrom::End(10),
        SeekFrom::Current(-end / 2),
    ];
    for seek in seeks {
        assert_eq!(reader.seek(seek).unwrap(), cursor.seek(seek).unwrap());
        got.clear();
        wanted.clear();
        reader.by_ref().take(100_000).read_to_end(&mut got).unwrap();
        cursor.by_ref().take(100_000).read_to_end(&mut wanted).unwrap();
        assert!(got == wanted, "after {seek:?}: {} bytes, wanted {}", got.len(), wanted.len());
    }
    assert!(reader.seek(SeekFrom::End(-end - 1)).is_err());
    reader.rewind().unwrap();
    got.clear();
    reader.read_to_end(&mut got).unwrap();
    assert!(got == expected, "the whole, in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_shows_its_part_and_nothing_else() {
    let (_root, stores) = both().await;
    let body = noise(20_000_000, 11);
    for (_, store) in stores {
        store.put("object", body.clone().into()).await.unwrap();
        for range in [None, Some(0..20_000_000), Some(123_457..18_000_000), Some(19_000_000..19_999_999)] {
            let reader = store.reader("object", range.clone()).await.unwrap();
            let range = range.unwrap_or(0..20_000_000);
            assert_eq!(reader.size(), range.end - range.start);
            let expected = body[range.start as usize..range.end as usize].to_vec();
            tokio::task::spawn_blocking(move || compare(reader, &expected)).await.unwrap();
        }
        let mut empty = store.reader("object", Some(500..500)).await.unwrap();
        assert_eq!(empty.read(&mut [0; 8]).unwrap(), 0);
    }
}
