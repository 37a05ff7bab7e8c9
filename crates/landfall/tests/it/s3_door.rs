//! The S3 door with clients that nobody here wrote.

use std::process::Command;

use serde_json::json;

use crate::node::{ADMIN_KEY, Place};

const DATASETS: &str = r#"
[datasets.files]
grants = [{ to = "key:partner", allow = ["land", "read", "list", "delete"], under = "partner/" }]
[datasets.other]
"#;

/// Runs a script of the clients, which says `ok` at its end.
fn run(words: &[&str]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/support/clients.sh");
    let told = Command::new(script).args(words).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&told.stdout), "ok\n", "{}", String::from_utf8_lossy(&told.stderr));
}

async fn story(place: Place) {
    let node = place.start(&[]);
    let partner = node.create_key("partner").await;
    run(&["s3_door.py", &node.s3, ADMIN_KEY, &partner]);
    node.settled().await;
    let found = node.rows("select id, name from other where _key = 'cli/b.csv' order by id").await;
    assert_eq!(found, [json!([1, "one"]), json!([2, "two"])]);
}

#[tokio::test]
async fn boto3_and_the_command_line_find_a_bucket_in_each_dataset() {
    story(Place::embedded(DATASETS)).await;
}

#[tokio::test]
async fn boto3_and_the_command_line_find_it_on_a_shared_catalog_too() {
    story(Place::postgres(DATASETS).await).await;
}

/// The log of a Delta table is written with puts that succeed where nothing is: of eight who write version N, one must be told so.
#[tokio::test]
async fn eight_writers_append_to_a_delta_table_in_a_bucket() {
    for place in [Place::embedded("[datasets.lake]\n"), Place::postgres("[datasets.lake]\n").await] {
        let node = place.start(&[]);
        run(&["s3_delta.py", &node.s3, ADMIN_KEY]);
    }
}
