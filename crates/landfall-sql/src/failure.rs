//! What DataFusion says went wrong, in our kinds and without its noise.

use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use landfall_model::{Error, ErrorKind};

/// The error a caller sees.
pub fn failure(error: DataFusionError) -> Error {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => failure(*inner),
        DataFusionError::Collection(errors) => match errors.into_iter().next() {
            Some(first) => failure(first),
            None => Error::internal("answering a query", "it failed without saying why"),
        },
        DataFusionError::Shared(shared) => of_shared(&shared),
        DataFusionError::External(inner) => of_external(inner),
        DataFusionError::ArrowError(inner, _) => of_arrow(*inner),
        DataFusionError::SQL(inner, _) => bad(&inner.to_string()),
        DataFusionError::Plan(text) | DataFusionError::Execution(text) | DataFusionError::Configuration(text) => bad(&text),
        DataFusionError::NotImplemented(text) => bad(&format!("this is not built: {text}")),
        DataFusionError::SchemaError(inner, _) => bad(&inner.to_string()),
        DataFusionError::ResourcesExhausted(text) => too_large(&text),
        DataFusionError::ObjectStore(inner) => Error::unavailable("reading a file of the table", inner),
        DataFusionError::IoError(inner) => Error::unavailable("reading a file of the table", inner),
        DataFusionError::ParquetError(inner) => Error::new(ErrorKind::Corrupt, format!("a file of the table cannot be read: {inner}")),
        other => Error::internal("answering a query", other),
    }
}

/// An error that several readers of one result got: it can only be looked at.
fn of_shared(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(ours) => ours.clone(),
            None => Error::internal("answering a query", inner),
        },
        DataFusionError::ResourcesExhausted(text) => too_large(text),
        DataFusionError::Plan(text) | DataFusionError::Execution(text) => bad(text),
        DataFusionError::ArrowError(inner, _) => bad(&inner.to_string()),
        other => Error::internal("answering a query", other),
    }
}

fn of_external(inner: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match inner.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(inner) => match inner.downcast::<DataFusionError>() {
            Ok(theirs) => failure(*theirs),
            Err(inner) => Error::internal("answering a query", inner),
        },
    }
}

/// Arrow fails on values: a division by zero, a text that is no number. The statement is what has to change.
fn of_arrow(error: ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(inner) => of_external(inner),
        ArrowError::IoError(..) | ArrowError::MemoryError(_) | ArrowError::IpcError(_) => Error::internal("answering a query", error),
        ArrowError::ParquetError(text) => Error::new(ErrorKind::Corrupt, format!("a file of the table cannot be read: {text}")),
        other => bad(&other.to_string()),
    }
}

fn bad(text: &str) -> Error {
    Error::new(ErrorKind::BadSql, clean(text))
}

fn too_large(text: &str) -> Error {
    let message = format!("the query needs more memory than queries may have, also with what it can spill: {}", clean(text));
    Error::new(ErrorKind::QueryTooLarge, message)
}

/// Without the prefixes of the layers that an error went through; they say nothing to who wrote the statement.
fn clean(text: &str) -> String {
    const NOISE: &[&str] = &[
        "DataFusion error: ",
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "External error: ",
        "SQL error: ",
        "sql parser error: ",
        "Schema error: ",
        "Optimizer rule 'simplify_expressions' failed\ncaused by\n",
    ];
    let mut text = text.trim();
    while let Some(rest) = NOISE.iter().find_map(|noise| text.strip_prefix(noise)) {
        text = rest.trim_start();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_errors_come_back_whole() {
        let ours = Error::new(ErrorKind::Unavailable, "the store is away");
        let wrapped = DataFusionError::Context("reading".into(), Box::new(DataFusionError::External(Box::new(ours))));
        let back = failure(wrapped);
        assert_eq!((back.kind, back.message.as_str()), (ErrorKind::Unavailable, "the store is away"));
    }

    #[test]
    fn the_noise_of_the_layers_goes() {
        let error = DataFusionError::Plan("Error during planning: table 'x' not found".into());
        assert_eq!(failure(error).message, "table 'x' not found");
        let error = failure(DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None));
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::BadSql, "Divide by zero error"));
        assert_eq!(failure(DataFusionError::ResourcesExhausted("x".into())).kind, ErrorKind::QueryTooLarge);
    }
}
