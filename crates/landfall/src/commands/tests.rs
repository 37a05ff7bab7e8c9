//! The client commands against a server that runs.

use std::io::{Cursor, Write};

use futures::StreamExt;
use reqwest::Method;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::resume::Resume;
use super::upload::{PART_BYTES, Upload};
use super::*;
use crate::app::{GivenKeys, Running};
use crate::config::{Config, Inputs};
use crate::roles::Roles;
use crate::serve;

const CONFIG: &str = "[listen]\nhttp = \"127.0.0.1:0\"\n[datasets.things]\n";

async fn server() -> (TempDir, Running, Client) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("landfall.toml");
    std::fs::write(&path, CONFIG).unwrap();
    let data = folder.path().join("data").display().to_string();
    let config =
        Config::load(Inputs { path: Some(&path), data: Some(&data), env: &[] }).map_err(|mistakes| mistakes.render(false)).unwrap();
    let running = serve::start(&config, Roles::default(), GivenKeys::default()).await.unwrap();
    let url = format!("http://{}", running.http.unwrap());
    let client = Client::new(&url, Some(running.admin.secret.reveal().to_owned())).unwrap();
    (folder, running, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_goes_on_where_it_stopped() {
    let (folder, running, client) = server().await;
    let path = folder.path().join("large.csv");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut digest = Sha256::new();
    for number in 0..900_000 {
        let line = format!("{number};some text to make the file large\n");
        digest.update(&line);
        file.write_all(line.as_bytes()).unwrap();
    }
    let metadata = file.metadata().unwrap();
    assert!(metadata.len() > 3 * PART_BYTES);
    let bar = indicatif::ProgressBar::hidden();
    let upload = || Upload {
        client: &client,
        dataset: "things",
        key: "a/large.csv",
        path: &path,
        size: metadata.len(),
        resume: Resume::new(Some(folder.path().join("uploads")), client.url(), "things", "a/large.csv", &metadata),
        bar: &bar,
    };
    let (location, offset) = upload().place().await.unwrap();
    assert_eq!(offset, 0);
    let part = std::fs::read(&path).unwrap()[..usize::try_from(PART_BYTES).unwrap()].to_vec();
    upload().send(&location, 0, part).await.unwrap();

    assert_eq!(upload().place().await.unwrap(), (location.clone(), PART_BYTES));
    let receipt: serde_json::Value = upload().run().await.unwrap().json().await.unwrap();
    assert_eq!(receipt["digest"], format!("sha256:{}", hex::encode(digest.finalize())));
    assert_eq!(upload().resume.location(), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_event_is_named_by_its_line_of_the_input() {
    let (_folder, running, client) = server().await;
    let mut input = "{\"a\":1}\n".repeat(1_500);
    input.push_str("{\"a\":\n");
    let mut sent = Sent::default();
    let failure = send_reader(&client, "things", Cursor::new(input), &mut sent).await.unwrap_err();
    assert_eq!((failure.code, sent.events), (1, 1_000));
    assert!(failure.message.contains("of the input; the lines before 1001 were sent"), "{}", failure.message);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_over_pages_and_say_that_there_is_more() {
    let (_folder, running, client) = server().await;
    for number in 0..5 {
        put_bytes(&client, "things", &format!("f{number}.csv"), format!("a\n{number}\n").into_bytes()).await.unwrap();
    }
    let (items, more) = client.list(&["datasets", "things", "files"], &[("prefix", "")], 3).await.unwrap();
    assert_eq!((items.len(), more), (3, true));
    let (items, more) = client.list(&["datasets", "things", "files"], &[("prefix", "f")], usize::MAX).await.unwrap();
    assert_eq!((items.len(), more), (5, false));
    let unknown = client.list(&["datasets", "nowhere", "files"], &[], 3).await.unwrap_err();
    assert_eq!(unknown.code, 1);
    assert!(unknown.message.ends_with("(unknown_dataset)"), "{}", unknown.message);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_what_to_do() {
    let (_folder, running, client) = server().await;
    let stranger = Client::new(client.url(), Some("lfk_wrong".into())).unwrap();
    let failure = stranger.send(stranger.request(Method::GET, &["landings"])).await.unwrap_err();
    assert_eq!(failure.code, 1);
    assert!(failure.message.contains("Set LANDFALL_TOKEN"), "{}", failure.message);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_streams_as_csv_and_is_held_as_a_table() {
    let (_folder, running, client) = server().await;
    let mut sent = Sent::default();
    send_reader(&client, "things", Cursor::new("{\"a\":1}\n{\"a\":2}\n"), &mut sent).await.unwrap();
    let answer = query(&client, "select count(*) as n, sum(a) as total from things;").await.unwrap();
    assert_eq!(answer.rows, [[serde_json::json!(2), serde_json::json!(3.0)]]);
    let request = client
        .request(Method::POST, &["sql"])
        .header("Accept", "text/csv")
        .json(&serde_json::json!({ "sql": "select a from things order by a" }));
    let mut chunks = client.send(request).await.unwrap().bytes_stream();
    let mut text = Vec::new();
    while let Some(chunk) = chunks.next().await {
        text.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(String::from_utf8(text).unwrap().lines().collect::<Vec<_>>(), ["a", "1.0", "2.0"]);
    running.stop().await;
}
