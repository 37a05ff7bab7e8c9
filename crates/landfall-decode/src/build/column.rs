//! One column of a batch in the making: an Arrow builder for its type, fed
//! with cells.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanBuilder, Decimal128Builder, PrimitiveBuilder, StringArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use landfall_model::{Error, Result, Type};

use super::list::List;
use super::{Cell, Cells};
use crate::json::scan;
use crate::types::arrow_type;
use crate::value::{Misfit, binary, boolean, decimal, double, integer, moment};

/// What takes one value after another; after an error it has taken nothing.
pub trait Take {
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit>;
    fn take_null(&mut self);
}

/// A closed list of the types, so that each goes over its cells in a loop of its own.
pub enum Column {
    Text(Text),
    Boolean(Boolean),
    Int(Primitive<Int32Type>),
    Bigint(Primitive<Int64Type>),
    Double(Primitive<Float64Type>),
    Decimal(Decimal),
    Date(Primitive<Date32Type>),
    Timestamp(Primitive<TimestampMicrosecondType>),
    Json(Json),
    Binary(Binary),
    List(Box<List>),
}

impl Column {
    pub fn new(kind: &Type) -> Column {
        match kind {
            Type::Text => Column::Text(Text::default()),
            Type::Boolean => Column::Boolean(Boolean::default()),
            Type::Int => Column::Int(Primitive::new(kind)),
            Type::Bigint => Column::Bigint(Primitive::new(kind)),
            Type::Double => Column::Double(Primitive::new(kind)),
            Type::Decimal { precision, scale } => Column::Decimal(Decimal::new(*precision, *scale)),
            Type::Date => Column::Date(Primitive::new(kind)),
            Type::Timestamp => Column::Timestamp(Primitive::new(kind)),
            Type::Json => Column::Json(Json::default()),
            Type::Binary => Column::Binary(Binary::default()),
            Type::List(item) => Column::List(Box::new(List::new(item))),
        }
    }

    /// Takes the cells of one column of a block; those that do not fit are null, and `misfit` hears of them.
    pub fn fill<C: Cells>(&mut self, cells: &C, source: Option<usize>, misfit: &mut dyn FnMut(usize, Cell<'_>, Misfit)) {
        match self {
            Column::Text(column) => fill(column, cells, source, true, misfit),
            Column::Boolean(column) => fill(column, cells, source, false, misfit),
            Column::Int(column) => fill(column, cells, source, false, misfit),
            Column::Bigint(column) => fill(column, cells, source, false, misfit),
            Column::Double(column) => fill(column, cells, source, false, misfit),
            Column::Decimal(column) => fill(column, cells, source, false, misfit),
            Column::Date(column) => fill(column, cells, source, false, misfit),
            Column::Timestamp(column) => fill(column, cells, source, false, misfit),
            Column::Json(column) => fill(column, cells, source, false, misfit),
            Column::Binary(column) => fill(column, cells, source, false, misfit),
            Column::List(column) => fill(column.as_mut(), cells, source, false, misfit),
        }
    }

    fn inner(&mut self) -> &mut dyn Take {
        match self {
            Column::Text(column) => column,
            Column::Boolean(column) => column,
            Column::Int(column) => column,
            Column::Bigint(column) => column,
            Column::Double(column) => column,
            Column::Decimal(column) => column,
            Column::Date(column) => column,
            Column::Timestamp(column) => column,
            Column::Json(column) => column,
            Column::Binary(column) => column,
            Column::List(column) => column.as_mut(),
        }
    }

    /// The array of what was taken; the column is empty again.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Column::Text(column) => text_array(&mut column.values)?,
            Column::Boolean(column) => Arc::new(column.values.finish()),
            Column::Int(column) => Arc::new(column.values.finish()),
            Column::Bigint(column) => Arc::new(column.values.finish()),
            Column::Double(column) => Arc::new(column.values.finish()),
            Column::Decimal(column) => Arc::new(column.values.finish()),
            Column::Date(column) => Arc::new(column.values.finish()),
            Column::Timestamp(column) => Arc::new(column.values.finish()),
            Column::Json(column) => text_array(&mut column.values)?,
            Column::Binary(column) => Arc::new(column.values.finish()),
            Column::List(column) => column.finish()?,
        })
    }
}

impl Take for Column {
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        self.inner().take(cell)
    }

    fn take_null(&mut self) {
        self.inner().take_null();
    }
}

fn fill<C: Cells, T: Take>(column: &mut T, cells: &C, source: Option<usize>, text: bool, misfit: &mut dyn FnMut(usize, Cell<'_>, Misfit)) {
    let Some(source) = source else {
        (0..cells.rows()).for_each(|_| column.take_null());
        return;
    };
    let mut scratch = Vec::new();
    for row in 0..cells.rows() {
        let cell = cells.cell(row, source, text, &mut scratch);
        if let Err(why) = column.take(cell) {
            misfit(row, cell, why);
            column.take_null();
        }
    }
}

/// White space around a value that is not text says nothing.
#[inline]
fn trimmed(value: &[u8]) -> &[u8] {
    match value {
        [b'!'..=0xff, .., b'!'..=0xff] | [b'!'..=0xff] => value,
        _ => value.trim_ascii(),
    }
}

/// An array of text from the bytes that were taken. Every block was checked to be UTF-8 before, so this only fails on a bug.
fn text_array(values: &mut BinaryBuilder) -> Result<ArrayRef> {
    let text = StringArray::try_from_binary(values.finish()).map_err(|error| Error::internal("building a text column", error))?;
    Ok(Arc::new(text))
}

#[derive(Default)]
pub struct Text {
    values: BinaryBuilder,
}

impl Take for Text {
    #[inline]
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        self.values.append_option(cell.text());
        Ok(())
    }

    #[inline]
    fn take_null(&mut self) {
        self.values.append_null();
    }
}

#[derive(Default)]
pub struct Boolean {
    values: BooleanBuilder,
}

impl Take for Boolean {
    #[inline]
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        let value = cell.text().map(|text| boolean::boolean(trimmed(text))).transpose()?;
        self.values.append_option(value);
        Ok(())
    }

    fn take_null(&mut self) {
        self.values.append_null();
    }
}

/// How an Arrow type is read from bytes.
pub trait Parse: ArrowPrimitiveType {
    fn parse(text: &[u8]) -> Result<Self::Native, Misfit>;
}

impl Parse for Int32Type {
    fn parse(text: &[u8]) -> Result<i32, Misfit> {
        integer::int(text)
    }
}

impl Parse for Int64Type {
    fn parse(text: &[u8]) -> Result<i64, Misfit> {
        integer::bigint(text)
    }
}

impl Parse for Float64Type {
    fn parse(text: &[u8]) -> Result<f64, Misfit> {
        double::double(text)
    }
}

impl Parse for Date32Type {
    fn parse(text: &[u8]) -> Result<i32, Misfit> {
        moment::date(text)
    }
}

impl Parse for TimestampMicrosecondType {
    fn parse(text: &[u8]) -> Result<i64, Misfit> {
        moment::timestamp(text)
    }
}

pub struct Primitive<T: Parse> {
    values: PrimitiveBuilder<T>,
}

impl<T: Parse> Primitive<T> {
    fn new(kind: &Type) -> Primitive<T> {
        Primitive { values: PrimitiveBuilder::new().with_data_type(arrow_type(kind)) }
    }
}

impl<T: Parse> Take for Primitive<T> {
    #[inline]
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        match cell.text() {
            Some(text) => self.values.append_value(T::parse(trimmed(text))?),
            None => self.values.append_null(),
        }
        Ok(())
    }

    #[inline]
    fn take_null(&mut self) {
        self.values.append_null();
    }
}

pub struct Decimal {
    values: Decimal128Builder,
    precision: u8,
    scale: u8,
}

impl Decimal {
    fn new(precision: u8, scale: u8) -> Decimal {
        let kind: DataType = arrow_type(&Type::Decimal { precision, scale });
        Decimal { values: Decimal128Builder::new().with_data_type(kind), precision, scale }
    }
}

impl Take for Decimal {
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        match cell.text() {
            Some(text) => self.values.append_value(decimal::decimal(trimmed(text), self.precision, self.scale)?),
            None => self.values.append_null(),
        }
        Ok(())
    }

    fn take_null(&mut self) {
        self.values.append_null();
    }
}

/// JSON text, as it is written.
#[derive(Default)]
pub struct Json {
    values: BinaryBuilder,
}

impl Take for Json {
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        let raw = match cell {
            Cell::Null => {
                self.values.append_null();
                return Ok(());
            }
            Cell::Field(text) => {
                scan::whole(text).map_err(|_| Misfit::Kind)?;
                trimmed(text)
            }
            Cell::String { raw, .. } | Cell::Scalar(raw) | Cell::Nested(raw) => raw,
        };
        self.values.append_value(raw);
        Ok(())
    }

    fn take_null(&mut self) {
        self.values.append_null();
    }
}

#[derive(Default)]
pub struct Binary {
    values: BinaryBuilder,
    scratch: Vec<u8>,
}

impl Take for Binary {
    fn take(&mut self, cell: Cell<'_>) -> Result<(), Misfit> {
        match cell {
            Cell::Null => self.values.append_null(),
            Cell::Field(text) | Cell::String { text, .. } => {
                self.scratch.clear();
                binary::binary(text, &mut self.scratch)?;
                self.values.append_value(&self.scratch);
            }
            Cell::Scalar(_) | Cell::Nested(_) => return Err(Misfit::Kind),
        }
        Ok(())
    }

    fn take_null(&mut self) {
        self.values.append_null();
    }
}
