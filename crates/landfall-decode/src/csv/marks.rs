//! Finds the few bytes that mean something in CSV, 64 at a time. Written so
//! that the compiler turns the comparisons into vector instructions; no
//! byte is looked at again by the code that walks over the marks.

/// Bytes that one step looks at.
pub const STEP: usize = 64;

/// Spreads the eight bytes 0 or 1 of a word into eight bits.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// One bit for each of 64 bytes: set where it is one of `wanted`.
#[inline]
pub fn marks(bytes: &[u8; STEP], wanted: [u8; 4]) -> u64 {
    let mut found = [0_u8; STEP];
    for (flag, byte) in found.iter_mut().zip(bytes) {
        *flag = u8::from(*byte == wanted[0]) | u8::from(*byte == wanted[1]) | u8::from(*byte == wanted[2]) | u8::from(*byte == wanted[3]);
    }
    let (words, _) = found.as_chunks::<8>();
    let mut mask = 0;
    for (index, word) in words.iter().enumerate() {
        mask |= (u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56) << (index * 8);
    }
    mask
}

/// The marks of the bytes at `at`, fewer than 64 at the end of the block.
#[inline]
pub fn marks_at(block: &[u8], at: usize, wanted: [u8; 4]) -> u64 {
    let rest = &block[at..];
    if let Some(chunk) = rest.first_chunk::<STEP>() {
        return marks(chunk, wanted);
    }
    let mut padded = [0; STEP];
    padded[..rest.len()].copy_from_slice(rest);
    // What was padded is no mark, even where NUL is one.
    marks(&padded, wanted) & ((1 << rest.len()) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_wanted_byte_is_marked_and_no_other(block in prop::collection::vec(prop_oneof![Just(b','), Just(b'"'), any::<u8>()], 0..80)) {
            let wanted = [b',', b'"', b'\n', b'\0'];
            let mask = marks_at(&block, 0, wanted);
            for (at, byte) in block.iter().take(STEP).enumerate() {
                prop_assert_eq!(mask >> at & 1 == 1, wanted.contains(byte));
            }
            prop_assert!(block.len() >= STEP || mask >> block.len() == 0);
        }
    }
}
