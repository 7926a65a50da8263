//! Progress on standard error, for work of more than one and a half seconds, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// For this long nothing is drawn.
const QUIET: Duration = Duration::from_millis(1500);

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
        if !std::io::stderr().is_terminal() {
            return Progress { done, total, finished: None, thread: None };
        }
        let (finished, wait) = channel::<()>();
        let (count, all) = (done.clone(), total.clone());
        let thread = std::thread::spawn(move || {
            if wait.recv_timeout(QUIET) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let total = all.load(Ordering::Relaxed);
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_elapsed(QUIET);
            let template = if total > 1 {
                "{bar:30} {pos}/{len} points, {elapsed}, {msg} left"
            } else {
                "{spinner} running, {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            while wait.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
                let (done, total) = (count.load(Ordering::Relaxed), all.load(Ordering::Relaxed));
                bar.set_length(total);
                bar.set_position(done);
                // The mean rate so far: points of one sweep take about equally long.
                let left = bar.elapsed().as_secs_f64() * (total.saturating_sub(done)) as f64 / done.max(1) as f64;
                bar.set_message(format!("{left:.0} s"));
                bar.tick();
            }
            bar.finish_and_clear();
        });
        Progress { done, total, finished: Some(finished), thread: Some(thread) }
    }

    /// So many more are to be done.
    pub fn more(&self, points: u64) {
        self.total.fetch_add(points, Ordering::Relaxed);
    }

    /// One more is done.
    pub fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
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
