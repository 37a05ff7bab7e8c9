//! Rows of a system table, cell by cell, as a record batch.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, SchemaRef};
use landfall_model::{Error, Result, Timestamp};

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(Timestamp),
}

pub type Row = Vec<Cell>;

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Cell {
        Cell::Int(number)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Cell {
        Cell::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Cell {
        Cell::Float(number)
    }
}

impl From<bool> for Cell {
    fn from(is: bool) -> Cell {
        Cell::Bool(is)
    }
}

impl From<Timestamp> for Cell {
    fn from(moment: Timestamp) -> Cell {
        Cell::Time(moment)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}

/// `rows` as columns of `schema`; a cell of another type than its column is null.
pub fn batch(schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch> {
    let columns = schema.fields().iter().enumerate().map(|(place, field)| column(field.data_type(), rows, place)).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| Error::internal("reading a table of the system", error))
}

fn column(kind: &DataType, rows: &[Row], place: usize) -> ArrayRef {
    let cells = rows.iter().map(|row| row.get(place).unwrap_or(&Cell::Null));
    match kind {
        DataType::Int64 => {
            Arc::new(cells.map(|cell| if let Cell::Int(number) = cell { Some(*number) } else { None }).collect::<Int64Array>())
        }
        DataType::Float64 => {
            Arc::new(cells.map(|cell| if let Cell::Float(number) = cell { Some(*number) } else { None }).collect::<Float64Array>())
        }
        DataType::Boolean => Arc::new(cells.map(|cell| if let Cell::Bool(is) = cell { Some(*is) } else { None }).collect::<BooleanArray>()),
        DataType::Timestamp(_, zone) => {
            let moments = cells.map(|cell| if let Cell::Time(moment) = cell { Some(moment.micros()) } else { None });
            Arc::new(moments.collect::<TimestampMicrosecondArray>().with_timezone_opt(zone.clone()))
        }
        _ => Arc::new(cells.map(|cell| if let Cell::Text(text) = cell { Some(text.as_str()) } else { None }).collect::<StringViewArray>()),
    }
}
