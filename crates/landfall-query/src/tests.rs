//! Queries against a real catalog and a real store.

use landfall_access::Context;
use landfall_model::{
    Action, Clock, Column, Dataset, ErrorKind, Grant, Grantee, ManifestId, Place, Principal, Reject, Source, Type, limits,
};
use serde_json::{Value, json};

use crate::live::bench::{Bench, name};

fn cars() -> Dataset {
    let columns = vec![
        Column::new("Name", Type::Text),
        Column::new("Miles_per_Gallon", Type::Double),
        Column::new("day", Type::Date),
        Column::new("seen", Type::Timestamp),
        Column::new("price", Type::Decimal { precision: 10, scale: 2 }),
        Column::new("id", Type::Bigint),
    ];
    Dataset { columns: Some(columns), ..Dataset::new(name("cars")) }
}

/// Two cars, one of them loaded, and a dataset that only `key:other` may query.
async fn bench() -> Bench {
    let grants = vec![Grant { to: Grantee::Principal(Principal::Key("other".into())), allow: vec![Action::Query], under: None }];
    let open = vec![Grant { to: Grantee::Principal(Principal::Anonymous), allow: vec![Action::Query], under: None }];
    let secret = Dataset { grants, ..Dataset::new(name("secret")) };
    let bench = Bench::new(&[Dataset { grants: open, ..cars() }, secret]).await;
    let old = r#"{"Name": "old", "Miles_per_Gallon": 18.5, "day": "1970-01-02", "seen": "2026-11-21T06:00:00Z", "price": "9.50", "id": 1}"#;
    let new = r#"{"Name": "new", "Miles_per_Gallon": 40, "day": "2026-11-21", "seen": "2026-11-21T06:00:00.5Z", "price": 10, "id": 9007199254740993}"#;
    bench.land("cars", &[old.into()]).await;
    bench.load("cars", 1).await;
    bench.land("cars", &[new.into()]).await;
    bench
}

async fn refused(bench: &Bench, sql: &str) -> (ErrorKind, String) {
    let error = bench.ask(sql, &[]).await.err().unwrap_or_else(|| panic!("{sql} was answered"));
    (error.kind, error.message)
}

#[tokio::test]
async fn values_and_types_are_the_same_loaded_or_not() {
    let bench = bench().await;
    let answer = bench.ask("select Name, day, seen, price, id, count(*) over () as n from cars order by id", &[]).await.unwrap();
    let words: Vec<_> = answer["columns"].as_array().unwrap().iter().map(|column| column["type"].as_str().unwrap()).collect();
    assert_eq!(words, ["text", "date", "timestamp", "decimal(10,2)", "bigint", "bigint"]);
    let old = json!(["old", "1970-01-02", "2026-11-21T06:00:00Z", "9.50", 1, 2]);
    let new = json!(["new", "2026-11-21", "2026-11-21T06:00:00.500Z", "10.00", "9007199254740993", 2]);
    assert_eq!(answer["rows"], json!([old, new]));
}

#[tokio::test]
async fn names_need_no_quotes_for_their_capitals() {
    let bench = bench().await;
    assert_eq!(bench.rows("select miles_per_gallon from cars where NAME = 'new'").await, json!([[40.0]]));
    let grouped = "select name, max(c.Miles_per_Gallon) as Best from cars c group by name order by best desc";
    assert_eq!(bench.rows(grouped).await, json!([["new", 40.0], ["old", 18.5]]));
}

#[tokio::test]
async fn parameters_take_the_type_of_what_they_meet() {
    let bench = bench().await;
    let ask = async |sql: &str, params: &[Value]| bench.ask(sql, params).await.map(|mut answer| answer["rows"].take());
    assert_eq!(ask("select name from cars where day = $1 and id > $2", &[json!("2026-11-21"), json!(5)]).await.unwrap(), json!([["new"]]));
    assert_eq!(ask("select name from cars where seen < $1", &[json!("2026-11-21T06:00:00.1Z")]).await.unwrap(), json!([["old"]]));
    assert_eq!(ask("select $1::bigint + 1", &[json!(1)]).await.unwrap(), json!([[2]]));
    let missing = ask("select name from cars where id = $2", &[json!(1)]).await.unwrap_err();
    assert_eq!(missing.kind, ErrorKind::BadSql);
    assert!(missing.message.contains("$2"), "{missing}");
    let unset = ask("select name from cars where id = $1", &[]).await.unwrap_err();
    assert!(unset.kind == ErrorKind::BadSql && unset.message.contains("$1"), "{unset}");
}

#[tokio::test]
async fn what_is_wrong_with_a_statement_is_said() {
    let bench = bench().await;
    for (sql, part) in [
        ("select nam from cars", "nam"),
        ("select * from car", "did you mean `cars`"),
        ("select * from landfall.land", "landfall.landings"),
        ("select * from other.cars", "there is no schema `other`"),
        ("select 1 / 0", "Divide by zero"),
        ("select name + 1 from cars", "Cannot coerce"),
        ("select * from cars where day > 'soon'", "soon"),
        ("create table x as select 1", "not answered"),
        ("select * from '/etc/passwd'", "there is no table"),
        ("select name from cars; drop table cars", "here are 2"),
    ] {
        let (kind, message) = refused(&bench, sql).await;
        assert_eq!(kind, ErrorKind::BadSql, "{sql}: {message}");
        assert!(message.contains(part) && !message.contains("DataFusion"), "{sql}: {message}");
    }
}

#[tokio::test]
async fn nobody_sees_what_nothing_grants() {
    let bench = bench().await;
    let anonymous = Context::anonymous(Source::Http);
    let other = Context { principal: Principal::Key("other".into()), ..Context::anonymous(Source::Http) };
    let third = Context { principal: Principal::Key("third".into()), ..Context::anonymous(Source::Http) };
    assert_eq!(bench.ask_as(&anonymous, "select count(*) from cars", &[]).await.unwrap()["rows"], json!([[2]]));
    let denied = bench.ask_as(&anonymous, "select * from cars, secret", &[]).await.unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Unauthenticated);
    let denied = bench.ask_as(&third, "select (select count(*) from secret)", &[]).await.unwrap_err();
    assert!(denied.kind == ErrorKind::Denied && denied.message.contains("may not query the dataset `secret`"), "{denied}");
    bench.land("secret", &[json!({"a": 1}).to_string()]).await;
    let landings = |dataset: &str| format!("select count(*) from landfall.landings where dataset = '{dataset}'");
    // What is granted to anonymous is granted to all.
    for (context, datasets, secret) in
        [(&anonymous, json!([["cars"]]), 0), (&third, json!([["cars"]]), 0), (&other, json!([["cars"], ["secret"]]), 1)]
    {
        for sql in ["select dataset from landfall.datasets order by 1", "select distinct dataset from landfall.audit order by 1"] {
            assert_eq!(bench.ask_as(context, sql, &[]).await.unwrap()["rows"], datasets, "{sql}");
        }
        let tables =
            "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1";
        assert_eq!(bench.ask_as(context, tables, &[]).await.unwrap()["rows"], datasets);
        assert_eq!(bench.ask_as(context, &landings("cars"), &[]).await.unwrap()["rows"], json!([[2]]));
        assert_eq!(bench.ask_as(context, &landings("secret"), &[]).await.unwrap()["rows"], json!([[secret]]));
        assert_eq!(bench.ask_as(context, "select count(*) from landfall.landings", &[]).await.unwrap()["rows"], json!([[2 + secret]]));
    }
}

#[tokio::test]
async fn the_tables_and_their_columns_can_be_looked_up() {
    let bench = bench().await;
    let tables = bench.rows("show tables").await.to_string();
    assert!(tables.contains("\"cars\"") && tables.contains("\"dead_letters\""), "{tables}");
    let described = bench.rows("describe cars").await;
    assert_eq!(described.as_array().unwrap().len(), 11, "{described}");
    let plan = bench.rows("explain select name from cars where id = 1").await.to_string();
    assert!(plan.contains("DataSourceExec"), "{plan}");
}

#[tokio::test]
async fn the_systems_tables_are_read_page_by_page() {
    let bench = Bench::new(&[cars(), Dataset::new(name("empty"))]).await;
    for id in 1..=3 {
        bench.land("cars", &[json!({ "id": id }).to_string(), json!({ "id": id }).to_string()]).await;
    }
    let landings = "select kind, first_event, last_event, records, landings, phase from landfall.landings where dataset = 'cars' order by landing limit 1";
    assert_eq!(bench.rows(landings).await, json!([["batch", "cars.local.1", "cars.local.2", 2, 1, "received"]]));
    assert_eq!(bench.rows("select count(*) from landfall.landings").await, json!([[3]]));
    let audit = "select dataset, received_records, in_flight_records, loaded_records, balances from landfall.audit order by dataset";
    assert_eq!(bench.rows(audit).await, json!([["cars", 6, 6, 0, true], ["empty", 0, 0, 0, true]]));
    for table in ["jobs", "loads", "rejects", "dead_letters", "holds", "purges", "sla_breaches"] {
        assert_eq!(bench.rows(&format!("select count(*) from landfall.{table}")).await, json!([[0]]), "{table}");
    }
    let columns = bench.rows("select columns, on_bad_record from landfall.datasets where dataset = 'cars'").await;
    assert!(columns[0][0].as_str().unwrap().contains("Miles_per_Gallon") && columns[0][1] == "reject", "{columns}");
}

#[tokio::test]
async fn rejects_are_read_out_of_their_objects() {
    let bench = Bench::new(&[cars()]).await;
    let clock = Clock::system();
    let manifest = ManifestId::new(&clock);
    let key = landfall_store::keys::rejects(&name("cars"), &manifest);
    let reject = |line| Reject {
        landing: landfall_model::LandingId::new(&clock),
        event: None,
        place: Place { line, byte_offset: line * 10 },
        reason: "no number".into(),
        raw: "a,\u{fffd}\n\"b\"".into(),
        bytes: 6,
    };
    let lines: Vec<String> = (1..=600).map(|line| serde_json::to_string(&reject(line)).unwrap()).collect();
    bench.live.store().put(&key, lines.join("\n").into()).await.unwrap();
    bench.record_rejects("cars", &manifest, &key, 600).await;
    let sql = "select dataset, count(*), min(line), max(byte_offset), min(raw) from landfall.rejects group by dataset";
    assert_eq!(bench.rows(sql).await, json!([["cars", 600, 1, 6_000, "a,\u{fffd}\n\"b\""]]));
}

#[tokio::test]
async fn no_more_queries_run_at_once_than_may() {
    let bench = bench().await;
    let context = Context::administrator(Source::Http);
    let mut under_way = Vec::new();
    for _ in 0..limits::QUERIES_MAX {
        under_way.push(bench.queries.run(&context, "select 1", &[]).await.unwrap());
    }
    assert_eq!(refused(&bench, "select 1").await.0, ErrorKind::Overloaded);
    under_way.pop();
    assert_eq!(bench.rows("select 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_query_that_takes_too_long_ends() {
    let mut bench = bench().await;
    bench.queries = bench.queries.clone().ending_after(std::time::Duration::from_millis(300));
    let endless = "select count(*) from generate_series(1, 100000000000) a(n) where n % 7 = 3";
    assert_eq!(refused(&bench, endless).await.0, ErrorKind::QueryTimeout);
    // The first rows come at once; the answer then breaks off with the error.
    let error = bench.ask("select n from generate_series(1, 100000000000) a(n)", &[]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::QueryTimeout);
}

#[tokio::test]
async fn a_query_that_needs_too_much_memory_is_refused() {
    let bench = bench().await;
    // A join's hash table cannot be spilled.
    let large = "select min(s) from (select n, repeat('x', 20000) as s from generate_series(1, 100000) a(n)) a \
                 join generate_series(1, 100000) b(m) on n = m";
    let (kind, message) = refused(&bench, large).await;
    assert_eq!(kind, ErrorKind::QueryTooLarge, "{message}");
    // A sort is, and goes on.
    let sorted = bench.rows("select n from generate_series(1, 200000) a(n) order by n desc limit 1").await;
    assert_eq!(sorted, json!([[200_000]]));
}
