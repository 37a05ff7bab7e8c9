//! Roles: which parts of the program a node runs. All of them, if it is not said.

use std::str::FromStr;

/// `--roles ingest,work,query,upkeep`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Takes events and files.
    pub ingest: bool,
    /// Stages and loads.
    pub work: bool,
    /// Answers SQL.
    pub query: bool,
    /// Runs the standing tasks.
    pub upkeep: bool,
}

impl Default for Roles {
    fn default() -> Roles {
        Roles { ingest: true, work: true, query: true, upkeep: true }
    }
}

impl FromStr for Roles {
    type Err = String;

    fn from_str(text: &str) -> Result<Roles, String> {
        let mut roles = Roles { ingest: false, work: false, query: false, upkeep: false };
        for word in text.split(',').map(str::trim) {
            match word {
                "ingest" => roles.ingest = true,
                "work" => roles.work = true,
                "query" => roles.query = true,
                "upkeep" => roles.upkeep = true,
                other => return Err(format!("`{other}` is not a role: they are ingest, work, query and upkeep")),
            }
        }
        Ok(roles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_told_by_their_words() {
        assert_eq!("ingest, query".parse(), Ok(Roles { ingest: true, work: false, query: true, upkeep: false }));
        assert!("ingest,loads".parse::<Roles>().is_err());
    }
}
