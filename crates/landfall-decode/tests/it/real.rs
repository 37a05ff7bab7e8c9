//! Real files, whose facts were counted with other tools.

use std::path::PathBuf;

use landfall_model::{CsvSettings, Type};

use crate::show::{Case, cell, file};

/// The file, or none with a word where the folder of real data is not there.
fn real(path: &str) -> Option<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    match std::fs::read(folder.join(path)) {
        Ok(bytes) => Some(file(bytes)),
        Err(_) => {
            eprintln!("skipped: {path} is not beside the repository");
            None
        }
    }
}

fn kinds(case: &Case) -> String {
    let list = case.columns().unwrap().list;
    list.iter().map(|column| format!("{} {}", column.name, column.kind)).collect::<Vec<_>>().join(", ")
}

fn records(case: &Case) -> u64 {
    let (_, _, summary) = case.done().unwrap();
    assert_eq!(summary.rejected_records, 0);
    summary.records
}

#[test]
fn flights_in_a_zip() {
    let Some(case) = real("flights/flights.csv.zip") else { return };
    expect_test::expect!["year bigint, month bigint, day bigint, dep_time bigint, sched_dep_time bigint, dep_delay bigint, arr_time bigint, sched_arr_time bigint, arr_delay bigint, carrier text, flight bigint, tailnum text, origin text, dest text, air_time bigint, distance bigint, hour bigint, minute bigint, time_hour timestamp"].assert_eq(&kinds(&case));
    let (decoded, columns, summary) = case.done().unwrap();
    assert_eq!((summary.records, summary.rejected_records, summary.bytes), (336_776, 0, 31_053_850));
    assert_eq!(columns.list.len(), 19);
    let first = &decoded[0].batch;
    let row: Vec<String> = (0..19).map(|column| cell(first, column, 0)).collect();
    expect_test::expect![
        "2013 | 1 | 1 | 517 | 515 | 2 | 830 | 819 | 11 | UA | 1545 | N14228 | EWR | IAH | 227 | 1400 | 5 | 15 | 2013-01-01T10:00:00.000000Z"
    ]
    .assert_eq(&row.join(" | "));
    let nulls: usize = decoded.iter().map(|decoded| decoded.batch.column(5).null_count()).sum();
    assert_eq!(nulls, 8_255);
    assert_eq!(decoded[0].lines[..2], [2, 3]);
}

#[test]
fn airlines_airports_and_planes() {
    for (path, count) in [("flights/airlines.csv", 16), ("flights/airports.csv", 1_458), ("flights/planes.csv", 3_322)] {
        let Some(case) = real(path) else { return };
        assert_eq!(records(&case), count, "{path}");
    }
}

#[test]
fn weather_in_csv() {
    let Some(case) = real("weather/seattle-weather.csv") else { return };
    expect_test::expect!["date text, precipitation double, temp_max double, temp_min double, wind double, weather text"]
        .assert_eq(&kinds(&case));
    assert_eq!(records(&case), 1_461);
    let declared = Case { declared: Some("date date, precipitation decimal(6,1), weather text"), ..case };
    assert_eq!(records(&declared), 1_461);
}

#[test]
fn cars_in_a_json_array() {
    let Some(case) = real("weather/cars.json") else { return };
    expect_test::expect!["Name text, Miles_per_Gallon double, Cylinders bigint, Displacement double, Horsepower bigint, Weight_in_lbs bigint, Acceleration double, Year date, Origin text"].assert_eq(&kinds(&case));
    assert_eq!(records(&case), 406);
}

#[test]
fn what_is_no_table_is_refused_with_a_word() {
    for (path, code) in [("photos/DSCN0010.jpg", "not_text"), ("ddex/ern43_audio.xml", "unknown_format")] {
        let Some(case) = real(path) else { return };
        assert_eq!(case.csv(CsvSettings::default()).error().kind.code(), code, "{path}");
    }
}

#[test]
fn the_types_of_real_files_stay_what_they_are() {
    let Some(case) = real("flights/planes.csv") else { return };
    let list = case.columns().unwrap().list;
    assert_eq!(list.iter().find(|column| column.name == "year").map(|column| &column.kind), Some(&Type::Bigint));
}
