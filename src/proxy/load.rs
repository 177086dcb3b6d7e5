//! How much is going on at once: calls, and the bodies of requests that are held for them.
//!
//! Above a limit the next is refused at once. A queue would only make everybody late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// What is going on.
#[derive(Debug, Default)]
pub struct Load {
    calls: AtomicUsize,
    body_bytes: AtomicUsize,
}

/// A call that is going on, until it is dropped.
#[derive(Debug)]
pub struct Running(Arc<Load>);

/// Room for a body, given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    load: Arc<Load>,
    held: usize,
    most: usize,
}

/// There is no room for a body.
#[derive(Debug, PartialEq, Eq)]
pub struct NoRoom;

impl Load {
    /// Begins a call, unless there are so many already.
    pub fn begin(self: &Arc<Self>, most: usize) -> Option<Running> {
        let add = |calls| (calls < most).then_some(calls + 1);
        self.calls.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Running(Arc::clone(self)))
    }

    /// Makes room for a body, none yet. Bodies have `most` bytes of memory, all together.
    pub fn room(self: &Arc<Self>, most: usize) -> Room {
        Room { load: Arc::clone(self), held: 0, most }
    }

    /// Returns the bytes of all bodies that are held.
    pub fn body_bytes(&self) -> usize {
        self.body_bytes.load(Ordering::Relaxed)
    }
}

impl Room {
    /// Takes so many bytes more.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] if other bodies need the memory.
    pub fn take(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let add = |all: usize| all.checked_add(bytes).filter(|all| *all <= self.most);
        let body_bytes = &self.load.body_bytes;
        body_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).map_err(|_| NoRoom)?;
        self.held += bytes;
        Ok(())
    }

    /// Keeps a body in the room: it is given back with the last piece of the body.
    pub fn keep(self, body: Bytes) -> Bytes {
        if body.is_empty() { body } else { Bytes::from_owner(Kept { body, _room: self }) }
    }
}

/// A body in its room.
struct Kept {
    body: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.load.body_bytes.fetch_sub(self.held, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_above_the_limit_are_not_begun() {
        let load = Arc::new(Load::default());
        let (first, second) = (load.begin(2), load.begin(2));
        assert!(first.is_some() && second.is_some() && load.begin(2).is_none());
        assert!(load.begin(3).is_some(), "a reload may raise it");
        drop(first);
        assert!(load.begin(2).is_some());
    }

    #[test]
    fn a_body_holds_its_room_until_its_last_piece_is_gone() {
        let load = Arc::new(Load::default());
        let mut room = load.room(10);
        assert_eq!((room.take(4), room.take(3)), (Ok(()), Ok(())));
        assert_eq!(load.room(10).take(4), Err(NoRoom));
        assert_eq!(load.body_bytes(), 7, "a refusal takes nothing");

        let body = room.keep(Bytes::from_static(b"sevenby"));
        let piece = body.slice(2..4);
        drop(body);
        assert_eq!((load.body_bytes(), &piece[..]), (7, &b"ve"[..]));
        drop(piece);
        assert_eq!(load.body_bytes(), 0);

        let mut broken_off = load.room(10);
        broken_off.take(10).unwrap();
        drop(broken_off);
        assert_eq!(load.body_bytes(), 0);
    }
}
