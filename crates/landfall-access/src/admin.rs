//! The administrator's key: given by the environment, or made at the first
//! start and kept in `{data}/admin.key`, readable by its owner alone.

use std::fs;
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use landfall_model::{Clock, Error, ErrorKind, Result};

use crate::key::Secret;

/// Fewer characters could be guessed.
const GIVEN_LENGTH_MIN: usize = 16;

pub const FILE_NAME: &str = "admin.key";

/// The administrator's secret, and whether it was made just now and should be shown once.
#[derive(Debug)]
pub struct AdminKey {
    pub secret: Secret,
    pub made: bool,
}

/// Takes what `LANDFALL_ADMIN_KEY` gives, else what an earlier start kept in `data`, else makes one and keeps it.
/// Nodes that share a catalog must be given the same one.
pub fn admin_key(data: &Path, given: Option<&str>, clock: &Clock) -> Result<AdminKey> {
    if let Some(given) = given {
        check(given, "LANDFALL_ADMIN_KEY")?;
        return Ok(AdminKey { secret: Secret::given(given.to_owned()), made: false });
    }
    let path = data.join(FILE_NAME);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let text = text.trim_end();
            check(text, &path.display().to_string())?;
            Ok(AdminKey { secret: Secret::given(text.to_owned()), made: false })
        }
        Err(error) if error.kind() == IoKind::NotFound => {
            let secret = Secret::new(clock);
            keep(&path, secret.reveal()).map_err(|error| Error::unavailable(&format!("writing {}", path.display()), error))?;
            Ok(AdminKey { secret, made: true })
        }
        Err(error) => Err(Error::unavailable(&format!("reading {}", path.display()), error)),
    }
}

fn check(secret: &str, place: &str) -> Result<()> {
    if secret.len() < GIVEN_LENGTH_MIN || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        let message = format!("{place} must hold at least {GIVEN_LENGTH_MIN} printable ASCII characters and no space");
        return Err(Error::new(ErrorKind::BadRequest, message));
    }
    Ok(())
}

/// Durable before it is shown: under another name first, so that no reader and no crash ever sees half of it.
pub(crate) fn keep(path: &Path, secret: &str) -> std::io::Result<()> {
    let half = path.with_extension("key.new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use landfall_model::Timestamp;

    use super::*;

    #[test]
    fn it_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(Timestamp(0), 3);
        let first = admin_key(folder.path(), None, &clock).unwrap();
        let second = admin_key(folder.path(), None, &clock).unwrap();
        assert!(first.made && !second.made && first.secret == second.secret);
        let mode = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_environment_goes_first_and_must_not_be_weak() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(Timestamp(0), 3);
        assert_eq!(admin_key(folder.path(), Some("0123456789abcdef"), &clock).unwrap().secret.reveal(), "0123456789abcdef");
        assert!(!folder.path().join(FILE_NAME).exists());
        for weak in ["", "short", "0123456789 abcdef"] {
            assert!(admin_key(folder.path(), Some(weak), &clock).is_err(), "{weak}");
        }
    }
}
