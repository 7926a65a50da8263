//! `--max-time`: a command ends when its time is over, wherever it is. What was written stays whole: files are moved to their places when
//! they are complete, and a sweep marks each point when it is computed.

use crate::{Outcome, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Files that are being written beside their places.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Notes a file that is removed if the time is over before it is moved to its place.
pub fn unfinished(path: &Path) {
    if let Ok(mut all) = UNFINISHED.lock() {
        all.push(path.to_path_buf());
    }
}

/// Ends the program after a time.
pub fn after(text: &str) -> Result<(), Diagnostic> {
    let wrong = || {
        Diagnostic::without_place(
            Code::OutOfRange,
            format!("--max-time {text} is not a time; write 90, 90s, 5min or 2h"),
        )
    };
    let time = duration(text).ok_or_else(wrong)?;
    let said = text.to_string();
    // Where no thread can be begun, nothing can be watched: that is said.
    let begun = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(time);
        let diagnostic = Diagnostic::without_place(Code::OutOfTime, format!("the command took longer than {said}"))
            .help("increase `--max-time`, or use fewer points, members or samples");
        end(diagnostic);
    });
    begun
        .map(|_| ())
        .map_err(|e| Diagnostic::without_place(Code::OutOfTime, format!("cannot start the timer of --max-time: {e}")))
}

/// Ends the program at once, with a message.
pub fn end(diagnostic: Diagnostic) -> ! {
    terminal::report(&[diagnostic], &Default::default());
    // What is complete has been moved and is no longer there under this name.
    UNFINISHED.lock().iter().flat_map(|all| all.iter()).for_each(|path| drop(std::fs::remove_file(path)));
    std::process::exit(Outcome::Wrong as i32);
}

/// A time in words: seconds without a unit.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "min" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * factor).ok().filter(|d| !d.is_zero())
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90"), Some(Duration::from_secs(90)));
        assert_eq!(duration("1.5 min"), Some(Duration::from_secs(90)));
        assert_eq!(duration("2h"), Some(Duration::from_secs(7200)));
        for wrong in ["", "0", "-1", "soon", "1e400", "5 parsec"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
