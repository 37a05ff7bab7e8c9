//! The S3 door with clients that nobody here wrote.

use std::process::Command;

use serde_json::json;

use crate::node::{ADMIN_KEY, Place};

const DATASETS: &str = r#"
[datasets.files]
grants = [{ to = "key:partner", allow = ["land", "read", "list", "delete"], under = "partner/" }]
[datasets.other]
"#;

async fn story(place: Place) {
    let node = place.start(&[]);
    let partner = node.create_key("partner").await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/support/clients.sh");
    let told = Command::new(script).args(["s3_door.py", &node.s3, ADMIN_KEY, &partner]).output().unwrap();
    let told = (String::from_utf8_lossy(&told.stdout).into_owned(), String::from_utf8_lossy(&told.stderr).into_owned());
    assert_eq!(told.0, "ok\n", "{}", told.1);
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
