//! Configuration as people write it, right and wrong.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use landfall_model::{Column, Priority, Type};

use super::{Config, Inputs, Mistakes};

/// Writes files into a folder of their own and reads them; paths in mistakes are shown without the folder.
fn load(files: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Config, (Mistakes, String)> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let env: Vec<(String, String)> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let path = folder.path().join("landfall.toml");
    Config::load(Inputs { path: Some(&path), data: None, env: &env })
        .map_err(|mistakes| (mistakes, format!("{}/", folder.path().display())))
}

fn wrong(text: &str, expected: &Expect) {
    wrong_with(&[("landfall.toml", text)], &[], expected);
}

fn wrong_with(files: &[(&str, &str)], env: &[(&str, &str)], expected: &Expect) {
    let (mistakes, folder) = load(files, env).unwrap_err();
    expected.assert_eq(&mistakes.render(false).replace(&folder, ""));
}

fn right(text: &str) -> Config {
    load(&[("landfall.toml", text)], &[]).map_err(|(mistakes, _)| mistakes.render(true)).unwrap()
}

#[test]
fn an_empty_file_is_valid() {
    let config = right("");
    assert_eq!(config.data, Path::new("./landfall-data"));
    assert_eq!(config.catalog.url, "sqlite:./landfall-data/catalog.db");
    assert_eq!(config.store.url, "./landfall-data/store");
    assert_eq!(config.listen.http.as_deref(), Some("127.0.0.1:8080"));
    assert!(config.datasets.is_empty() && config.warnings.is_empty());
}

#[test]
fn an_absent_file_is_valid_only_where_none_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let mistakes = Config::load(Inputs { path: Some(&path), data: None, env: &[] }).unwrap_err();
    assert!(mistakes.render(false).contains("none.toml: cannot be read: No such file"), "{}", mistakes.render(false));
    let config = Config::load(Inputs { path: None, data: Some("/srv/x"), env: &[] }).unwrap();
    assert_eq!(config.data, Path::new("/srv/x"));
}

#[test]
fn a_dataset_reads_whole_and_keeps_the_order_of_its_columns() {
    let config = right(
        r#"
[datasets.royalties]
description = "Usage reports"
on_bad_record = "fail"
grants = [{ to = "key:partner_a", allow = ["land"], under = "partner_a/" }, { to = "anonymous", allow = ["query"] }]
columns = { zone = "text", day = "date", amount = "decimal(18,6)" }
transform = "select * from input where amount > 0"
[datasets.royalties.csv]
delimiter = ";"
header = false
null = ["NA", "-"]
encoding = "latin-1"
"#,
    );
    let dataset = &config.datasets[0];
    assert_eq!(dataset.grants[0].under.as_deref(), Some("partner_a/"));
    let columns =
        [Column::new("zone", Type::Text), Column::new("day", Type::Date), Column::new("amount", Type::Decimal { precision: 18, scale: 6 })];
    assert_eq!(dataset.columns.as_deref(), Some(&columns[..]));
    assert_eq!((dataset.csv.delimiter, dataset.csv.header), (Some(';'), Some(false)));
}

#[test]
fn every_mistake_is_answered_at_once_in_the_order_of_the_file() {
    wrong(
        r#"regoin = "eu"
public_url = "in.example.com"

[catalog]
url = "mysql://host/db"

[datasets.orders]
retenton = "30d"
on_bad_record = "rejct"
columns = { id = "bigint", total = "money", _line = "int" }
grants = [{ to = "partner", allow = ["land"] }, { to = "anonymous", allow = ["qery"] }, { allow = ["land"] }]
[datasets.orders.csv]
delimiter = ";;"
quote = "é"
header = "yes"
encoding = "utf8"

[datasets.Bad-Name]
"#,
        &expect![[r#"
            landfall.toml:1:1: unknown key `regoin` at the top of the file; did you mean `region`?
            landfall.toml:2:14: `in.example.com` cannot be the public URL: it begins with `https://` or `http://` and a host, and has no `?` or `#`
            landfall.toml:5:7: `mysql://host/db` cannot be the URL of a catalog: `mysql` is none; write `postgres://user@host/db` or `sqlite:PATH`
            landfall.toml:8:1: unknown key `retenton` in [datasets.orders]; did you mean `retention`?
            landfall.toml:9:17: `rejct` is not one of what `on_bad_record` may be: reject, fail; did you mean `reject`?
            landfall.toml:10:36: `money` is not a type: they are text, boolean, int, bigint, double, decimal(p,s) with p up to 38, date, timestamp, json, binary, and lists of them with []
            landfall.toml:10:53: `_line` is a column that every table has; rename yours
            landfall.toml:11:18: `partner` names nobody: write `anonymous`, `key:NAME`, `oidc:SUBJECT` or `group:NAME`
            landfall.toml:11:78: `qery` is not one of what `allow` may be: land, read, list, delete, query, replay, administer; did you mean `query`?
            landfall.toml:11:89: an entry of `grants` in [datasets.orders] has no `to`
            landfall.toml:13:13: `delimiter` must be one character, not ";;"
            landfall.toml:14:9: `quote` must be one ASCII character and not a line break, not 'é'
            landfall.toml:15:10: `header` in [datasets.orders.csv] must be true or false, not the string "yes"
            landfall.toml:16:12: `utf8` is not one of what `encoding` may be: utf-8, latin-1, utf-16; did you mean `utf-8`?
            landfall.toml:18:11: `Bad-Name` cannot be the name of a dataset: it must match [a-z][a-z0-9_]{0,62}
        "#]],
    );
}

#[test]
fn what_is_not_built_yet_says_so() {
    wrong(
        "[datasets.a]\n[[datasets.a.sinks]]\nkind = \"postgres\"\n[datasets.a.xml]\nrecord = \"/a\"\n",
        &expect![[r#"
            landfall.toml:2:14: `sinks` in [datasets.a] is not built yet in this version; take it out
            landfall.toml:4:13: `xml` in [datasets.a] is not built yet in this version; take it out
        "#]],
    );
}

#[test]
fn a_retention_is_a_length_of_time() {
    wrong(
        "[datasets.a]\nretention = \"3 minutes\"\n",
        &expect![[r#"
            landfall.toml:2:13: `3 minutes` is not a length of time: write a whole number and a unit, like 90s, 15m, 36h, 7d, 2w or 1y, of 1,000 years at most
        "#]],
    );
}

#[test]
fn an_objective_is_a_length_of_time_and_a_priority_one_of_three() {
    wrong(
        "[datasets.a]\nsla = \"5 s\"\npriority = \"hihg\"\n[datasets.b]\nprioritty = \"low\"\nsla = 5\n",
        &expect![[r#"
            landfall.toml:2:7: `5 s` is not a length of time: write a whole number and a unit, like 90s, 15m, 36h, 7d, 2w or 1y, of 1,000 years at most
            landfall.toml:3:12: `hihg` is not one of what `priority` may be: low, normal, high; did you mean `high`?
            landfall.toml:5:1: unknown key `prioritty` in [datasets.b]; did you mean `priority`?
            landfall.toml:6:7: `sla` in [datasets.b] must be a string, not the number 5
        "#]],
    );
    let config = right("[datasets.a]\nsla = \"5s\"\npriority = \"low\"\n[datasets.b]\n");
    let of = |at: usize| (config.datasets[at].sla.map(|sla| sla.to_string()), config.datasets[at].priority);
    assert_eq!([of(0), of(1)], [(Some("5s".into()), Priority::Low), (None, Priority::Normal)]);
}

#[test]
fn a_syntax_error_has_its_place() {
    wrong(
        "data = \"x\n[catalog\nurl = 1\n",
        &expect![[r#"
        landfall.toml:1:10: invalid basic string, expected `"`
        landfall.toml:2:9: unclosed table, expected `]`
    "#]],
    );
}

#[test]
fn a_quoted_mistake_shows_its_line() {
    let (mistakes, folder) = load(&[("landfall.toml", "[datasets.orders]\ncolums = {}\n")], &[]).unwrap_err();
    expect![[r#"
        landfall.toml:2:1: unknown key `colums` in [datasets.orders]; did you mean `columns`?
          2 | colums = {}
            | ^^^^^^
    "#]]
    .assert_eq(&mistakes.render(true).replace(&folder, ""));
}

#[test]
fn csv_characters_must_differ_and_fit_a_line() {
    wrong(
        "[datasets.a.csv]\ndelimiter = \",\"\nquote = \",\"\n[datasets.b.csv]\ndelimiter = \"\\n\"\n[datasets.c.csv]\ndelimiter = '\"'\n",
        &expect![[r#"
            landfall.toml:3:9: `delimiter` and `quote` are both ','; fields could not be told apart
            landfall.toml:5:13: `delimiter` must be one ASCII character and not a line break, not '\n'
            landfall.toml:7:13: `delimiter` and `quote` are both '"'; fields could not be told apart
        "#]],
    );
}

#[test]
fn a_transform_is_planned_where_its_columns_are_declared() {
    wrong(
        "[datasets.a]\ncolumns = { x = \"int\" }\ntransform = \"select y from input\"\n[datasets.b]\ncolumns = { x = \"int\" }\ntransform = \"selec x\"\n\
         [datasets.c]\ncolumns = { x = \"int\" }\ntransform = \"select x, now() from input\"\n[datasets.d]\ntransform = \" \"\n",
        &expect![[r#"
            landfall.toml:3:13: the transform cannot run: Schema error: No field named y. Valid fields are input.x.
            landfall.toml:6:13: the transform cannot run: ParserError("Expected: an SQL statement, found: selec at Line: 1, Column: 1")
            landfall.toml:9:13: a transform gives the same rows each time, and `now()` does not; use a column of `input` instead
            landfall.toml:11:13: `transform` is empty; leave it out to load the records as they are
        "#]],
    );
    let config = right("[datasets.a]\ncolumns = { x = \"int\" }\ntransform = \"select sum(x) as x from input\"\n");
    assert!(config.warnings[0].starts_with("a takes files and no events: "), "{:?}", config.warnings);
}

#[test]
fn variables_interpolate_and_an_unset_one_has_its_place() {
    let files = [("landfall.toml", "data = \"${HOME}/x\"\n[catalog]\nurl = \"postgres://${DB_USER:landfall}@${DB_HOST}/db\"\n")];
    wrong_with(
        &files,
        &[("HOME", "/home/ada")],
        &expect![[r#"
        landfall.toml:3:39: the environment variable `DB_HOST` is not set; set it, or give a default: ${DB_HOST:default}
    "#]],
    );
    let config = load(&files, &[("HOME", "/home/ada"), ("DB_HOST", "db")]).map_err(|(m, _)| m.render(true)).unwrap();
    assert_eq!(config.catalog.url, "postgres://landfall@db/db");
    assert_eq!(config.data, Path::new("/home/ada/x"));
}

#[test]
fn the_environment_overrides_the_file() {
    let file = [("landfall.toml", "data = \"x\"\n[datasets.orders]\ndescription = \"old\"\n")];
    let env = [
        ("LANDFALL_DATA", "/srv/data"),
        ("LANDFALL_LISTEN__HTTP", "off"),
        ("LANDFALL_DATASETS__ORDERS__DESCRIPTION", "new"),
        ("LANDFALL_DATASETS__ORDERS__CSV__HEADER", "false"),
        ("LANDFALL_DATASETS__ORDERS__GRANTS", "[{ to = \"anonymous\", allow = [\"land\"] }]"),
        ("LANDFALL_URL", "http://elsewhere"),
    ];
    let config = load(&file, &env).map_err(|(m, _)| m.render(true)).unwrap();
    assert_eq!((config.data.as_path(), config.listen.http), (Path::new("/srv/data"), None));
    let orders = &config.datasets[0];
    assert_eq!((orders.description.as_deref(), orders.csv.header, orders.grants.len()), (Some("new"), Some(false), 1));
}

#[test]
fn a_variable_that_names_no_setting_is_a_mistake() {
    let env = [
        ("LANDFALL_CATLOG__URL", "x"),
        ("LANDFALL_LISTEN__GOPHER", "x"),
        ("LANDFALL_LISTEN__HTTP", "80"),
        ("LANDFALL_DATASETS__A__CSV__HEADER", "si"),
    ];
    wrong_with(
        &[("landfall.toml", "")],
        &env,
        &expect![[r#"
        LANDFALL_CATLOG__URL: names no setting; did you mean LANDFALL_CATALOG__URL?
        LANDFALL_LISTEN__GOPHER: names no setting: there is no `listen.gopher` in the configuration; unset it
        LANDFALL_DATASETS__A__CSV__HEADER: "si" does not read as TOML: string values must be quoted, expected literal string
        LANDFALL_LISTEN__HTTP: `80` is not an address: write `host:port`, or `off`
    "#]],
    );
}

#[test]
fn datasets_have_files_of_their_own() {
    let files = [
        ("landfall.toml", "[datasets.a]\n"),
        ("datasets/b.toml", "description = \"by its file's name\"\n"),
        ("datasets/other.toml", "[datasets.c]\ndescription = \"by its table\"\n"),
        ("datasets/notes.txt", "not configuration"),
    ];
    let config = load(&files, &[]).map_err(|(m, _)| m.render(true)).unwrap();
    let names: Vec<&str> = config.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_dataset_is_declared_once() {
    let files = [
        ("landfall.toml", "\n[datasets.a]\n"),
        ("datasets/a.toml", "description = \"x\"\n"),
        ("datasets/b.toml", "region = \"eu\"\n[datasets.b]\n[datasets.c]\n"),
        ("datasets/Bad.toml", "descripton = \"x\"\n"),
    ];
    wrong_with(
        &files,
        &[],
        &expect![[r#"
        datasets/Bad.toml:1:1: `Bad` cannot be the name of a dataset: it must match [a-z][a-z0-9_]{0,62}
        datasets/a.toml:1:1: the dataset `a` is declared already, at landfall.toml:2:11
        datasets/b.toml:1:1: `region` stands outside the dataset: a file in `datasets/` holds one dataset and no more
        datasets/b.toml:3:11: `c` is a second dataset: a file in `datasets/` holds one
    "#]],
    );
}

#[test]
fn doors_that_are_not_built_are_named_and_allowed() {
    let config = right("[listen]\nhttp = \"0.0.0.0:80\"\ns3 = \"off\"\nsftp = \"127.0.0.1:2022\"\n");
    assert_eq!(config.warnings, ["the sftp door (127.0.0.1:2022) is not built yet in this version and stays closed"]);
}

#[test]
fn the_schema_describes_what_may_be_written() {
    let schema = super::schema();
    for key in ["data", "region", "public_url", "catalog", "store", "listen", "datasets"] {
        let described = schema
            .pointer(&format!("/properties/{key}"))
            .is_some_and(|property| property.to_string().contains("\"description\"") || property.to_string().contains("$ref"));
        assert!(described, "{key}");
    }
    assert_eq!(schema.pointer("/$defs/DatasetSection/additionalProperties"), Some(&serde_json::Value::Bool(false)));
}

#[test]
fn a_schedule_reads_whole_and_declares_where_it_lands() {
    let config = right(
        r#"
[datasets.events]
[schedules.daily]
cron = "0 3 * * *"
timezone = "Europe/Madrid"
sql = "select count(*) as events from events where _received_at >= $start and _received_at < $end"
into = "daily_totals"
window = "7d"
format = "csv"
key = "totals/{to}.csv"
"#,
    );
    let schedule = &config.schedules[0];
    assert_eq!((schedule.timezone.as_str(), schedule.window.map(|span| span.to_string()).as_deref()), ("Europe/Madrid", Some("1w")));
    let names: Vec<_> = config.datasets.iter().map(|dataset| (dataset.name.as_str(), dataset.description.as_deref())).collect();
    assert_eq!(names, [("daily_totals", Some("Answers of the schedule `daily`")), ("events", None)]);
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn a_wrong_schedule_is_answered_with_its_place() {
    wrong(
        r#"
[datasets.events]
[schedules.one]
cron = "0 3 * *"
timezone = "Europe/Madird"
sql = "select count(*) as n from evnts where _received_at < $end"
into = "totals"
[schedules.two]
cron = "0 0 30 2 *"
sql = "delete from events"
into = "totals"
key = "totals.csv"
[schedules.three]
crom = "0 3 * * *"
sql = "select"
[schedules.four]
cron = "61 3 * * *"
into = "Totals"
sql = "select * from landfall.jobs"
"#,
        &expect![[r#"
            landfall.toml:4:8: `0 3 * *` is not a cron expression (Pattern must have 5 fields when seconds are disallowed): write minute, hour, day of the month, month and day of the week, like `0 3 * * *`
            landfall.toml:5:12: `Europe/Madird` is not a time zone: write its IANA name, like `Europe/Madrid` or `UTC`
            landfall.toml:6:7: there is no dataset `evnts`; did you mean `events`?
            landfall.toml:9:8: `0 0 30 2 *` never comes
            landfall.toml:10:7: `DELETE FROM ...` is not answered here: tables change by what lands; select, with, values, explain, show tables and describe are
            landfall.toml:12:7: `key` names neither {from} nor {to}: each window would take the place of the one before
            landfall.toml:13:1: [schedules.three] has no `cron`
            landfall.toml:13:1: [schedules.three] has no `into`
            landfall.toml:14:1: unknown key `crom` in [schedules.three]; did you mean `cron`?
            landfall.toml:18:8: `Totals` cannot be the name of a dataset: it must match [a-z][a-z0-9_]{0,62}
        "#]],
    );
}

#[test]
fn a_schedule_that_asks_for_the_same_each_time_is_noted() {
    let config = right("[datasets.a]\n[schedules.s]\ncron = \"@daily\"\nsql = \"select 1 as one from a\"\ninto = \"b\"\n");
    assert_eq!(config.warnings, ["the schedule s asks for the same in each window: its query names neither $start nor $end"]);
}
