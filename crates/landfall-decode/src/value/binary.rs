//! Bytes written as text: base64 (RFC 4648), or hexadecimal after `\x` as PostgreSQL writes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Misfit;

/// Puts the bytes that `text` stands for at the end of `out`; on a misfit `out` is as it was.
pub fn binary(text: &[u8], out: &mut Vec<u8>) -> Result<(), Misfit> {
    let start = out.len();
    let done = match text {
        [b'\\', b'x', digits @ ..] if digits.len() % 2 == 0 => {
            out.resize(start + digits.len() / 2, 0);
            hex::decode_to_slice(digits, &mut out[start..]).is_ok()
        }
        text => STANDARD.decode_vec(text, out).is_ok(),
    };
    if !done {
        out.truncate(start);
        return Err(Misfit::Kind);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_hexadecimal_are_told_apart() {
        let mut out = Vec::new();
        binary(b"AAH/", &mut out).unwrap();
        binary(b"\\x00fF", &mut out).unwrap();
        assert_eq!(out, [0, 1, 255, 0, 255]);
        for bad in [&b"\\x0"[..], b"\\xzz", b"AAH", b"A A="] {
            assert_eq!(binary(bad, &mut out), Err(Misfit::Kind));
        }
        assert_eq!(out.len(), 5);
    }
}
