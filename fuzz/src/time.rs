//! Inputs that take too long.

use std::time::{Duration, Instant};

/// The longest time of one input, of the processor. Code that is not optimised takes tens of times longer.
pub const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });

/// Whose time is measured.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the tests measure the thread, the drivers the program")]
pub enum Of {
    /// All threads of the program.
    Program,
    /// The thread that reads: others have work of their own.
    Thread,
}

/// The time of the processor so far; of the clock where the system does not tell.
fn processor_time(of: Of) -> Duration {
    let path = match of {
        Of::Program => "/proc/self/stat",
        Of::Thread => "/proc/thread-self/stat",
    };
    let Ok(text) = std::fs::read_to_string(path) else {
        static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        return BEGUN.get_or_init(Instant::now).elapsed();
    };
    let fields: Vec<u64> = text.rsplit(')').next().unwrap_or("").split(' ').filter_map(|w| w.parse().ok()).collect();
    // Behind the name: the state, which is a letter, then ten numbers, then the two times in hundredths of a second.
    Duration::from_millis(10 * (fields.get(10).unwrap_or(&0) + fields.get(11).unwrap_or(&0)))
}

/// Reads an input; its time if that is too long. The machine may have other work: an input that takes long by the clock is read once
/// more, and what counts is the time of the processor.
pub fn taken(of: Of, read: fn(&[u8]), input: &[u8]) -> Option<Duration> {
    let begun = Instant::now();
    read(input);
    if begun.elapsed() <= LONGEST {
        return None;
    }
    let before = processor_time(of);
    read(input);
    Some(processor_time(of) - before).filter(|took| *took > LONGEST)
}
