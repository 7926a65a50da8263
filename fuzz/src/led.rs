//! Inputs led by coverage, with libFuzzer: `ERGOSEQ_FUZZ=TARGET ergoseq-fuzz CORPUS -max_total_time=60`.

use crate::mutation::{Random, damage};
use crate::targets::{self, Target};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The longest time of one input: of the processor, of all threads.
const LONGEST: Duration = Duration::from_secs(1);

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

/// The time of the processor that this program has had.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<u64> = text.rsplit(')').next().unwrap_or("").split(' ').filter_map(|w| w.parse().ok()).collect();
    // Behind the name: the state, which is a letter, then ten numbers, then the two times in hundredths of a second.
    Duration::from_millis(10 * (fields.get(10).unwrap_or(&0) + fields.get(11).unwrap_or(&0)))
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let read = chosen().target.read;
    let begun = Instant::now();
    read(input);
    if begun.elapsed() > LONGEST {
        // The machine has other work: what counts is the time of the processor, in the better of two tries.
        let before = processor_time();
        read(input);
        let took = processor_time() - before;
        assert!(took < LONGEST, "{took:?} for {} bytes", input.len());
    }
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
