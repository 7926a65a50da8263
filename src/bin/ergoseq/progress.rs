//! Progress on standard error, for work of more than one and a half seconds: a bar on a terminal, and a line now and then elsewhere.

use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// For this long nothing is drawn, from the beginning of the program.
const QUIET: Duration = Duration::from_millis(1500);

/// Nor is anything for work that is shorter.
const SHORTEST: Duration = Duration::from_millis(200);

/// The second line in a log; each further one when the time has doubled.
const SECOND: Duration = Duration::from_secs(60);

/// When the program began; the first call says so.
pub fn begun() -> Instant {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    *BEGUN.get_or_init(Instant::now)
}

/// A count that a bar follows.
pub struct Progress {
    done: Arc<AtomicU64>,
    total: Arc<AtomicU64>,
    finished: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins; nothing is drawn at first.
    pub fn new(total: u64) -> Progress {
        let done = Arc::new(AtomicU64::new(0));
        let total = Arc::new(AtomicU64::new(total));
        let (finished, wait) = channel::<()>();
        let (count, all) = (done.clone(), total.clone());
        let follow = if std::io::stderr().is_terminal() { draw } else { tell };
        let thread = std::thread::spawn(move || {
            let quiet = QUIET.saturating_sub(begun().elapsed()).max(SHORTEST);
            if wait.recv_timeout(quiet) == Err(RecvTimeoutError::Timeout) {
                follow(&wait, &count, &all);
            }
        });
        Progress { done, total, finished: Some(finished), thread: Some(thread) }
    }

    /// So many more are to be done.
    pub fn more(&self, points: u64) {
        self.total.fetch_add(points, Ordering::Relaxed);
    }

    /// So many are to be done in all.
    pub fn only(&self, points: u64) {
        self.total.store(points, Ordering::Relaxed);
    }

    /// One more is done.
    pub fn step(&self) {
        self.steps(1);
    }

    /// So many more are done.
    pub fn steps(&self, points: usize) {
        self.done.fetch_add(points as u64, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.finished.take());
        if let Some(thread) = self.thread.take() {
            // A bar that cannot be drawn is no reason to fail.
            let _ = thread.join();
        }
    }
}

/// The seconds that are left at the mean rate so far: points of one sweep take about equally long. None before a point is done.
fn left(elapsed: Duration, done: u64, total: u64) -> Option<f64> {
    (done > 0).then(|| elapsed.as_secs_f64() * total.saturating_sub(done) as f64 / done as f64)
}

/// A bar.
fn draw(wait: &Receiver<()>, done: &AtomicU64, total: &AtomicU64) {
    let all = total.load(Ordering::Relaxed);
    let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr()).with_elapsed(begun().elapsed());
    let template =
        if all > 1 { "{bar:30} {pos}/{len} points, {elapsed}, {msg} left" } else { "{spinner} running, {elapsed}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    while wait.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        let (done, total) = (done.load(Ordering::Relaxed), total.load(Ordering::Relaxed));
        bar.set_length(total);
        bar.set_position(done);
        bar.set_message(left(bar.elapsed(), done, total).map_or("?".into(), |s| format!("{s:.0} s")));
        bar.tick();
    }
    bar.finish_and_clear();
}

/// Lines for a pipe or a log.
fn tell(wait: &Receiver<()>, done: &AtomicU64, total: &AtomicU64) {
    loop {
        let elapsed = begun().elapsed();
        terminal::progress(&line(elapsed, done.load(Ordering::Relaxed), total.load(Ordering::Relaxed)));
        let next = if elapsed < SECOND { SECOND - elapsed } else { elapsed };
        if wait.recv_timeout(next) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// How far the work is.
fn line(elapsed: Duration, done: u64, total: u64) -> String {
    let so_far = format!("after {:.1} s", elapsed.as_secs_f64());
    match left(elapsed, done, total) {
        _ if total <= 1 => format!("running, {so_far}"),
        Some(seconds) => format!("{done} of {total} points {so_far}, about {seconds:.0} s left"),
        None => format!("0 of {total} points {so_far}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_what_is_left() {
        let at = |seconds: u64, done, total| line(Duration::from_secs(seconds), done, total);
        assert_eq!(at(2, 50_000, 200_000), "50000 of 200000 points after 2.0 s, about 6 s left");
        assert_eq!(at(2, 0, 200_000), "0 of 200000 points after 2.0 s");
        assert_eq!(at(90, 0, 1), "running, after 90.0 s");
    }
}
