//! `landfall key create|list|revoke`.

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::arguments::Key;
use super::{Client, Failure};
use crate::output::Kind::{Text, Time};
use crate::output::{Column, Listing, Screen};

const KEYS: &[Column] = &[
    Column::new("key", "name", Text),
    Column::new("grants", "grants", Text),
    Column::new("created", "created_at", Time),
    Column::new("revoked", "revoked_at", Time),
];

pub async fn act(client: &Client, key: &Key, screen: Screen) -> Result<(), Failure> {
    match key {
        Key::Create { name, grants } => {
            let request = client.request(Method::POST, &["keys"]).json(&json!({ "name": name, "grants": grants }));
            let made = client.json(request).await?;
            let secret =
                made.get("secret").and_then(Json::as_str).ok_or_else(|| Failure::no("the server made a key and sent no secret"))?;
            screen.line(secret)?;
            screen.note("This is the only time that the secret is shown; only a verifier of it is kept.");
            if grants.is_empty() {
                screen.note(&format!("It may do what `grants` of the datasets give to `key:{name}`."));
            }
            Ok(())
        }
        Key::List { output } => {
            let (items, _) = client.list(&["keys"], &[], usize::MAX).await?;
            Listing { columns: KEYS, items, empty: "no keys but the administrator's" }.print(screen, output.output)
        }
        Key::Revoke { name } => {
            client.send(client.request(Method::DELETE, &["keys", name])).await?;
            screen.line(&format!("the key {name} opens nothing any more"))
        }
    }
}
