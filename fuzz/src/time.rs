//! Inputs that take too long.

use std::time::{Duration, Instant};

/// The longest time of one input: of the processor, of all threads.
pub const LONGEST: Duration = Duration::from_secs(1);

/// The time of the processor that this program has had; of the clock where the system does not tell.
fn processor_time() -> Duration {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else {
        static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        return BEGUN.get_or_init(Instant::now).elapsed();
    };
    let fields: Vec<u64> = text.rsplit(')').next().unwrap_or("").split(' ').filter_map(|w| w.parse().ok()).collect();
    // Behind the name: the state, which is a letter, then ten numbers, then the two times in hundredths of a second.
    Duration::from_millis(10 * (fields.get(10).unwrap_or(&0) + fields.get(11).unwrap_or(&0)))
}

/// Reads an input; its time if that is too long. The machine may have other work: an input that takes long by the clock is read once
/// more, and what counts is the time of the processor.
pub fn taken(read: fn(&[u8]), input: &[u8]) -> Option<Duration> {
    let begun = Instant::now();
    read(input);
    if begun.elapsed() <= LONGEST {
        return None;
    }
    let before = processor_time();
    read(input);
    Some(processor_time() - before).filter(|took| *took > LONGEST)
}
