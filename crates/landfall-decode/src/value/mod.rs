//! One value from its bytes, by type. Nothing here allocates where the value
//! fits; a value that does not fit says which rule it breaks.

pub mod binary;
pub mod boolean;
pub mod decimal;
pub mod double;
pub mod integer;
pub mod moment;

use landfall_model::Type;

/// Why a value cannot stand in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is not written as that type is.
    Kind,
    /// It is larger than the type holds.
    Range,
    /// It has more digits after the point than the type keeps.
    Scale,
}

/// Bytes of a value that a message quotes.
const QUOTED_BYTES_MAX: usize = 100;

/// The value as a message shows it: cut, and without control characters.
pub fn shown(value: &[u8]) -> String {
    let cut = value.len() > QUOTED_BYTES_MAX;
    let head = String::from_utf8_lossy(&value[..value.len().min(QUOTED_BYTES_MAX)]);
    let mut text: String = head.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if cut {
        // A character that the cut went through is not the value's own.
        while text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.pop();
        }
        text.push('…');
    }
    text
}

/// The sentence of a reject: which column, which value, which rule. `value` is already fit to be shown.
pub fn misfit(column: &str, kind: &Type, value: &str, misfit: Misfit) -> String {
    let article = if matches!(kind, Type::Int) { "an" } else { "a" };
    let rule = match (misfit, kind) {
        (Misfit::Kind, Type::Json) => "is not JSON".into(),
        (Misfit::Kind, Type::Binary) => "is not binary: write base64, or hexadecimal after \\x".into(),
        (Misfit::Kind, Type::Text) => "is not text".into(),
        (Misfit::Kind, Type::List(_)) => format!("is not a list, {kind}"),
        (Misfit::Kind, _) => format!("is not {article} {kind}"),
        (Misfit::Range, _) => format!("does not fit {article} {kind}"),
        (Misfit::Scale, _) => format!("has more digits after the point than {article} {kind} keeps"),
    };
    format!("column {column:?}: {value} {rule}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_the_column_the_value_and_the_rule() {
        assert_eq!(misfit("dep_time", &Type::Timestamp, "\"25:61\"", Misfit::Kind), r#"column "dep_time": "25:61" is not a timestamp"#);
        assert_eq!(misfit("n", &Type::Int, "5000000000", Misfit::Range), r#"column "n": 5000000000 does not fit an int"#);
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(shown("é".repeat(80).as_bytes()), format!("{}…", "é".repeat(50)));
        assert_eq!(shown(format!("a{}", "é".repeat(80)).as_bytes()), format!("a{}…", "é".repeat(49)));
        assert_eq!(shown(b"a\nb"), "a b");
    }
}
