//! The thread that writes: it wakes when the first line comes, waits a moment for more, writes all.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long lines are collected before they are written.
const COLLECT: Duration = Duration::from_millis(20);

/// Most bytes that wait. When whoever reads standard error stops reading, lines are dropped and counted
/// rather than requests held up.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;

thread_local! {
    /// Where a line is made: nobody waits for a lock meanwhile.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes lines to standard error.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines dropped since the last were written.
    dropped: u64,
    /// Lines dropped before those.
    dropped_before: u64,
    writing: bool,
    hurry: bool,
    ended: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("access-log".to_owned());
        let thread = builder.spawn(move || write_all(&own, &mut std::io::stderr()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Appends what `write` adds to a buffer.
    pub(super) fn append(&self, write: impl FnOnce(&mut Vec<u8>)) {
        LINE.with_borrow_mut(|line| {
            line.clear();
            write(line);
            self.put(line);
        });
    }

    fn put(&self, line: &[u8]) {
        let mut state = self.shared.lock();
        if state.waiting.len() > MAX_WAITING_BYTES {
            state.dropped += 1;
            return;
        }
        let is_first = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if is_first {
            self.shared.changed.notify_all();
        }
    }

    /// Returns how many lines were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        let state = self.shared.lock();
        state.dropped_before + state.dropped
    }

    /// Returns when everything appended so far is written.
    pub(super) fn flush(&self) {
        let mut state = self.shared.lock();
        state.hurry = true;
        self.shared.changed.notify_all();
        while !state.waiting.is_empty() || state.writing {
            state = self.shared.wait(state);
        }
        state.hurry = false;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn write_all(shared: &Shared, output: &mut impl Write) {
    let mut batch = Vec::new();
    loop {
        let mut state = shared.lock();
        while state.waiting.is_empty() {
            if state.ended {
                return;
            }
            state = shared.wait(state);
        }
        if !state.hurry && !state.ended {
            let waited = shared
                .changed
                .wait_timeout_while(state, COLLECT, |state| !state.hurry && !state.ended);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut state.waiting, &mut batch);
        let dropped = std::mem::take(&mut state.dropped);
        state.dropped_before += dropped;
        state.writing = true;
        drop(state);

        // Nobody can be told that standard error is gone.
        drop(output.write_all(&batch));
        batch.clear();
        if dropped > 0 {
            tracing::warn!(dropped, "access log lines were dropped; standard error is not read");
        }
        shared.lock().writing = false;
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_written_whole_and_in_order() {
        let shared = Arc::<Shared>::default();
        let own = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let mut output = Vec::new();
            write_all(&own, &mut output);
            output
        });
        let writer = Writer { shared, thread: None };
        for number in 0..1000 {
            writer.append(|buffer| buffer.extend_from_slice(format!("{number}\n").as_bytes()));
            if number == 500 {
                writer.flush();
                assert!(writer.shared.lock().waiting.is_empty());
            }
        }
        drop(writer);

        let text = String::from_utf8(thread.join().unwrap()).unwrap();
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn when_nobody_reads_lines_are_dropped_and_counted() {
        let writer = Writer { shared: Arc::default(), thread: None };
        for _ in 0..20 {
            writer.append(|buffer| buffer.extend_from_slice(&[b'x'; 1024 * 1024]));
        }
        let state = writer.shared.lock();
        assert!(state.waiting.len() <= MAX_WAITING_BYTES + 1024 * 1024);
        assert_eq!(state.dropped, 20 - 9);
    }
}
