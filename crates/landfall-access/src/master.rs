//! The master key: given by the environment, or made at the first start and kept
//! in `{data}/master.key`, readable by its owner alone. It seals what is kept and
//! must be read again: a signature of S3 is checked with the very secret that made
//! it, so of created keys the catalog has a sealed copy beside the verifier.

use std::fmt;
use std::fs;
use std::io::ErrorKind as IoKind;
use std::path::Path;

use landfall_model::{Clock, Error, ErrorKind, Result};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::admin::keep;
use crate::key::Secret;

pub const FILE_NAME: &str = "master.key";

const KEY_BYTES: usize = 32;

/// 256 bits for AES in Galois/Counter Mode (NIST SP 800-38D).
pub struct MasterKey(LessSafeKey);

/// Takes what `LANDFALL_MASTER_KEY` gives, else what an earlier start kept in `data`, else makes one and keeps it. Nodes that
/// share a catalog must be given the same one.
pub fn master_key(data: &Path, given: Option<&str>, clock: &Clock) -> Result<MasterKey> {
    if let Some(given) = given {
        return parsed(given, "LANDFALL_MASTER_KEY");
    }
    let path = data.join(FILE_NAME);
    match fs::read_to_string(&path) {
        Ok(text) => parsed(text.trim_end(), &path.display().to_string()),
        Err(error) if error.kind() == IoKind::NotFound => {
            let bytes = clock.random_bytes::<KEY_BYTES>();
            keep(&path, &hex::encode(bytes)).map_err(|error| Error::unavailable(&format!("writing {}", path.display()), error))?;
            MasterKey::of(&bytes)
        }
        Err(error) => Err(Error::unavailable(&format!("reading {}", path.display()), error)),
    }
}

fn parsed(text: &str, place: &str) -> Result<MasterKey> {
    let mut bytes = [0; KEY_BYTES];
    let read = hex::decode_to_slice(text, &mut bytes);
    read.map_err(|_| Error::new(ErrorKind::BadRequest, format!("{place} must hold {} hexadecimal digits", 2 * KEY_BYTES)))?;
    MasterKey::of(&bytes)
}

impl MasterKey {
    pub fn of(bytes: &[u8; KEY_BYTES]) -> Result<MasterKey> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|why| Error::internal("taking the master key", why))?;
        Ok(MasterKey(LessSafeKey::new(key)))
    }

    /// The secret of the key `name`, sealed: it opens under that name alone. Lower-case hexadecimal of nonce, text and tag.
    pub(crate) fn seal(&self, clock: &Clock, name: &str, secret: &Secret) -> Result<String> {
        let nonce = clock.random_bytes::<NONCE_LEN>();
        let mut text = secret.reveal().as_bytes().to_vec();
        let sealed = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name.as_bytes()), &mut text);
        sealed.map_err(|why| Error::internal("sealing a secret", why))?;
        Ok(hex::encode(nonce) + &hex::encode(text))
    }

    /// `None`: it was sealed under another name or with another master key, or was changed.
    pub(crate) fn open(&self, name: &str, sealed: &str) -> Option<Secret> {
        let mut bytes = hex::decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::from(name.as_bytes()), text).ok()?;
        Some(Secret::given(std::str::from_utf8(opened).ok()?.to_owned()))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use landfall_model::Timestamp;

    use super::*;

    #[test]
    fn a_sealed_secret_opens_under_its_name_with_its_master_key() {
        let clock = Clock::fixed(Timestamp(0), 5);
        let (master, secret) = (MasterKey::of(&[7; 32]).unwrap(), Secret::new(&clock));
        let sealed = master.seal(&clock, "partner", &secret).unwrap();
        assert!(!sealed.contains(&hex::encode(secret.reveal())));
        assert_eq!(master.open("partner", &sealed), Some(secret.clone()));
        assert_ne!(sealed, master.seal(&clock, "partner", &secret).unwrap());
        assert_eq!(master.open("other", &sealed), None);
        assert_eq!(MasterKey::of(&[8; 32]).unwrap().open("partner", &sealed), None);
        let changed = format!("{}{}", &sealed[..sealed.len() - 1], if sealed.ends_with('0') { '1' } else { '0' });
        for wrong in [changed.as_str(), "", "00", "zz"] {
            assert_eq!(master.open("partner", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(Timestamp(0), 3);
        let secret = Secret::new(&clock);
        let sealed = master_key(folder.path(), None, &clock).unwrap().seal(&clock, "a", &secret).unwrap();
        assert_eq!(master_key(folder.path(), None, &clock).unwrap().open("a", &sealed), Some(secret));
        let mode = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let given = "07".repeat(32);
        assert!(master_key(folder.path(), Some(&given), &clock).unwrap().open("a", &sealed).is_none());
        for wrong in ["", "07", &"zz".repeat(32)] {
            assert!(master_key(folder.path(), Some(wrong), &clock).is_err(), "{wrong}");
        }
    }
}
