//! Inputs led by coverage, with libFuzzer: `ERGOSEQ_FUZZ=TARGET ergoseq-fuzz CORPUS -max_total_time=60`.

use crate::mutation::{Random, damage};
use crate::targets::{self, Target};
use crate::time::{self, Of};
use std::sync::OnceLock;

struct Chosen {
    target: &'static Target,
    words: Vec<&'static str>,
}

fn chosen() -> &'static Chosen {
    static CHOSEN: OnceLock<Chosen> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("ERGOSEQ_FUZZ").unwrap_or_default();
        let names: Vec<&str> = targets::TARGETS.iter().map(|t| t.name).collect();
        let target = targets::named(&name).unwrap_or_else(|| panic!("ERGOSEQ_FUZZ is one of {}", names.join(", ")));
        Chosen { target, words: (target.words)() }
    })
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let took = time::taken(Of::Program, chosen().target.read, input);
    assert!(took.is_none(), "{took:?} for {} bytes", input.len());
});

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random(u64::from(seed));
    if random.below(2) == 0 {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mut input = data[..size].to_vec();
    for _ in 0..1 + random.below(4) {
        let own = input.clone();
        damage(&mut input, &mut random, &chosen().words, &own);
    }
    input.truncate(max_size);
    data[..input.len()].copy_from_slice(&input);
    input.len()
});
