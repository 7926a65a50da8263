//! `--max-memory`: before a point is emulated, it is refused if its estimate is larger. While a command runs, it ends when the memory of the
//! whole process, all threads together, is larger by more than a quarter: estimates are of the largest parts only. The process is looked at
//! fifty times a second, on Linux; elsewhere the estimates alone are kept to.

use crate::deadline;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::bytes_text;
use std::time::Duration;

/// What the process may have beyond the limit.
const MORE: f64 = 1.25;

/// Ends the command when the process has more memory than this.
pub fn at_most(allowed: f64) {
    if resident().is_none() {
        return;
    }
    let watch = move || {
        loop {
            std::thread::sleep(Duration::from_millis(20));
            let Some(bytes) = resident() else { return };
            if bytes > MORE * allowed {
                let message =
                    format!("the process needs more than {}, {} are allowed", bytes_text(bytes), bytes_text(allowed));
                deadline::end(
                    Diagnostic::without_place(Code::TooLarge, message)
                        .help("emulate fewer points at once with `--threads`, or fewer members, samples or states")
                        .help("on a larger machine allow more: --max-memory 16GB"),
                );
            }
        }
    };
    // Where no thread can be begun, the estimates are kept to.
    let _ = std::thread::Builder::new().spawn(watch);
}

/// The memory of this process that is not on the disk, bytes; `None` where the system does not tell.
fn resident() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(1024.0 * kibibytes)
}
