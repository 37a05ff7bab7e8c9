//! How deep a statement may nest. The parser bounds brackets, but not chains:
//! `1 + 1 + 1 ...` becomes a tree of one level an operator, and trees are
//! planned, run and dropped by recursion. So the operators are counted before
//! there is a tree.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use landfall_model::{Error, ErrorKind, Result, limits};

/// The operators that the expressions and queries around a place chain.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Since the last comma, `and` or `or`.
    operators: usize,
    /// `and` and `or`, which bind the least, since the last comma.
    junctions: usize,
    /// Commas do not end a chain of queries.
    queries: usize,
}

impl Level {
    fn depth(self) -> usize {
        self.operators + self.junctions + self.queries
    }
}

/// What a token does to the depth.
enum Step {
    Opens,
    Closes,
    Parts,
    Operator,
    Junction,
    Query,
    Nothing,
}

/// Refuses a statement that might nest deeper than `SQL_OPERATORS_MAX`.
pub fn check(sql: &str) -> Result<()> {
    // The usual statement is too short to chain so many.
    if sql.len() <= limits::SQL_OPERATORS_MAX {
        return Ok(());
    }
    // What cannot be cut into tokens is the parser's to refuse.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    // The level of the place that is looked at, those around it, and what they chain.
    let (mut here, mut around, mut outside) = (Level::default(), Vec::new(), 0);
    for token in &tokens {
        match step(token) {
            Step::Opens => {
                // `a[1][1]` chains as well.
                here.operators += usize::from(*token == Token::LBracket);
                outside += here.depth();
                around.push(std::mem::take(&mut here));
            }
            Step::Closes => {
                here = around.pop().unwrap_or_default();
                outside -= here.depth().min(outside);
            }
            Step::Parts => here = Level { queries: here.queries, ..Level::default() },
            Step::Junction => here = Level { operators: 0, junctions: here.junctions + 1, ..here },
            Step::Operator => here.operators += 1,
            Step::Query => here.queries += 1,
            Step::Nothing => {}
        }
        if outside + here.depth() > limits::SQL_OPERATORS_MAX {
            let message = format!(
                "the statement chains more than {} operators, and that is the most; `in (...)` takes a list of any length",
                limits::SQL_OPERATORS_MAX
            );
            return Err(Error::new(ErrorKind::BadSql, message));
        }
    }
    Ok(())
}

fn step(token: &Token) -> Step {
    match token {
        Token::LParen | Token::LBracket | Token::LBrace => Step::Opens,
        Token::RParen | Token::RBracket | Token::RBrace => Step::Closes,
        Token::Comma | Token::SemiColon => Step::Parts,
        Token::Word(word) => match word.keyword {
            Keyword::CASE => Step::Opens,
            Keyword::END => Step::Closes,
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE => Step::Parts,
            Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS | Keyword::JOIN => Step::Query,
            Keyword::AND | Keyword::OR => Step::Junction,
            keyword if chains(keyword) => Step::Operator,
            _ => Step::Nothing,
        },
        Token::VerticalBarRightAngleBracket => Step::Query,
        // A value, a blank, or a part of a name.
        Token::EOF
        | Token::Period
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::Char(_)
        | Token::Placeholder(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::EscapedStringLiteral(_)
        | Token::DollarQuotedString(_)
        | Token::HexStringLiteral(_) => Step::Nothing,
        _ => Step::Operator,
    }
}

/// Words that stand between two operands, or behind one.
fn chains(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::XOR
            | Keyword::NOT
            | Keyword::IS
            | Keyword::NOTNULL
            | Keyword::IN
            | Keyword::BETWEEN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::SIMILAR
            | Keyword::MATCH
            | Keyword::MEMBER
            | Keyword::OVERLAPS
            | Keyword::OPERATOR
            | Keyword::DIV
            | Keyword::AT
            | Keyword::COLLATE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(sql: &str) -> bool {
        check(sql).is_err_and(|error| error.kind == ErrorKind::BadSql)
    }

    #[test]
    fn a_chain_of_any_kind_has_an_end() {
        let many = limits::SQL_OPERATORS_MAX + 1;
        for link in [" + 1", " or a = 1", "::int", " is null", "[1]", " at time zone 'UTC'", " not in (1)", " union all select 1, 2"] {
            assert!(refused(&format!("select 1, 1{}", link.repeat(many))), "{link}");
            assert!(!refused(&format!("select 1, 1{}", link.repeat(many / 4))), "{link}");
        }
        let half = " + 1".repeat(many / 2 + 1);
        assert!(refused(&format!("select 1{half} + (1{half})")));
        assert!(refused(&format!("select 1{half} + (1 or 1{half})")));
        assert!(!refused(&format!("select 1{half} = 1 or 1{half} = 1")));
        assert!(!refused(&format!("select a = 1{}", " or a = 1".repeat(many - 2))));
        assert!(!refused(&format!("select 1{half}, (1{half})")));
    }

    #[test]
    fn a_list_of_any_length_is_none() {
        let many = limits::SQL_OPERATORS_MAX * 3;
        for (before, item, behind) in [
            ("select 1 in (0", ", -1", ")"),
            ("values (0)", ", (1 + 1)", ""),
            ("select case 1", " when 1 + 1 then 2 - 1", " end"),
            ("select 0", ", a + b as \"x + y\"", " from t"),
            ("select '", "+", "'"),
            ("select 1 -- ", "+", ""),
        ] {
            assert!(!refused(&format!("{before}{}{behind}", item.repeat(many))), "{before}");
        }
    }
}
