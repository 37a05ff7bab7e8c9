//! Numbers for sample data: always the same ones (SplitMix64, with a fixed
//! seed), so that two runs show the same rows.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// One of `items`, the first ones more often, as it is with countries and customers.
    pub fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        let most = u64::try_from(items.len()).unwrap_or(1);
        let at = self.below(most).min(self.below(most));
        usize::try_from(at).ok().and_then(|at| items.get(at)).copied().unwrap_or_default()
    }
}
