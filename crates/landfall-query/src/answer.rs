//! The answer to a query: its columns, and its rows as they come.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::stream::BoxStream;
use landfall_model::Result;
use serde::Serialize;

use super::encode::type_word;

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerColumn {
    pub name: String,
    /// The word for its type, as configuration writes them; `time` and `interval` beside them.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Dropping it cancels the query.
pub struct Answer {
    pub columns: Vec<AnswerColumn>,
    pub schema: SchemaRef,
    pub rows: BoxStream<'static, Result<RecordBatch>>,
}

impl Answer {
    pub fn new(schema: SchemaRef, rows: BoxStream<'static, Result<RecordBatch>>) -> Answer {
        let columns = schema.fields().iter().map(|field| AnswerColumn { name: field.name().clone(), kind: type_word(field) });
        Answer { columns: columns.collect(), schema, rows }
    }
}
