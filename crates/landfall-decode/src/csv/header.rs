//! The names of a CSV file's columns.

use std::collections::HashMap;

use landfall_model::{Columns, Error, ErrorKind, Result, limits};

use super::cells::unquoted;
use super::split::{Dialect, Rows};

/// The names in the header that `rows` holds as its only record. A column without a name is `column_N`, N counted from 1;
/// spaces around a name are not part of it.
pub fn names(block: &[u8], rows: &Rows, dialect: Dialect) -> Result<Vec<String>> {
    check_count(rows.fields)?;
    let mut names = Vec::with_capacity(rows.fields);
    for (index, bounds) in rows.bounds.windows(2).enumerate() {
        let field = &block[bounds[0] as usize..bounds[1] as usize - 1];
        let mut scratch = Vec::new();
        let field = match field {
            [first, .., _] if *first == dialect.quote => unquoted(&field[1..field.len() - 1], dialect.quote, &mut scratch),
            field => field,
        };
        let name = std::str::from_utf8(field)
            .map_err(|_| bad(format!("the name of column {} is not UTF-8; other encodings are set with csv.encoding", index + 1)))?;
        names.push(match name.trim() {
            "" => numbered(index),
            name => name.to_owned(),
        });
    }
    Ok(names)
}

/// The names of the columns of a file without a header.
pub fn numbers(fields: usize) -> Result<Vec<String>> {
    check_count(fields)?;
    Ok((0..fields).map(numbered).collect())
}

fn check_count(fields: usize) -> Result<()> {
    if fields > limits::COLUMNS_MAX {
        return Err(bad(format!("the first line has {fields} fields, and a table has at most {}", limits::COLUMNS_MAX)));
    }
    Ok(())
}

/// The name of a column that has none.
fn numbered(index: usize) -> String {
    format!("column_{}", index + 1)
}

/// Refuses names that a table could not have. `open`: each of them would become a column.
pub fn check(names: &[String], open: bool) -> Result<()> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for name in names {
        if let Some(flaw) = Columns::flaw(name).filter(|_| open) {
            return Err(bad(format!("the header cannot name columns: {flaw}")));
        }
        match seen.insert(name.to_lowercase(), name) {
            Some(other) if other == name => return Err(bad(format!("the header names {} twice", shown(name)))),
            Some(other) if open => {
                return Err(bad(format!("the header names {} and {}, which differ only in case", shown(other), shown(name))));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A name as a message shows it.
pub fn shown(name: &str) -> String {
    format!("{:?}", crate::value::shown(name.as_bytes()))
}

pub fn bad(message: String) -> Error {
    Error::new(ErrorKind::BadHeader, message)
}
