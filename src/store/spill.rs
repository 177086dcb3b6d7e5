//! Where records go while the database cannot take them: files beside it, only ever appended to.
//!
//! A segment is a mark and then frames: length (4 bytes), checksum (8 bytes of SHA-256), record. What a
//! process finds half written by an earlier one ends that segment; each process writes segments of its own, so nothing
//! follows a torn end. A segment goes away after its records are committed; if the process dies in
//! between they are taken in again, and the database knows their ids.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use omniroute_core::usage::UsageRecord;
use sha2::{Digest, Sha256};

/// The folder in the data directory.
const FOLDER: &str = "spill";

/// What a segment begins with.
const MARK: &[u8; 8] = b"OMNISPL1";

/// From this size on a new segment is begun.
const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Longest record; a larger length is a torn frame.
const MAX_RECORD_BYTES: usize = 1024 * 1024;

/// Bytes of a frame before its record.
const HEAD_BYTES: usize = 12;

/// Segments of one data directory.
pub(super) struct Spill {
    folder: PathBuf,
    current: Option<Segment>,
    next: u64,
}

struct Segment {
    file: File,
    good_bytes: u64,
}

impl Spill {
    /// Names the place; nothing is made until something has to be kept.
    pub(super) fn in_folder(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER), current: None, next: 0 }
    }

    /// Appends records; they are on the disk when this returns.
    ///
    /// # Errors
    ///
    /// The system's. Then none of them is kept.
    pub(super) fn append(&mut self, records: &[UsageRecord]) -> io::Result<()> {
        let mut frames = Vec::new();
        for record in records {
            write_frame(record, &mut frames)?;
        }
        if self.current.as_ref().is_none_or(|segment| segment.good_bytes >= SEGMENT_BYTES) {
            self.current = Some(self.begin()?);
        }
        let Some(segment) = &mut self.current else { return Ok(()) };
        let written = segment.file.write_all(&frames).and_then(|()| segment.file.sync_data());
        match written {
            Ok(()) => segment.good_bytes += frames.len() as u64,
            Err(_) => {
                // What was written of it must not stand in the way of what comes later. If that fails too,
                // a new segment is begun.
                let cut = segment.file.set_len(segment.good_bytes);
                let back = cut.and_then(|()| segment.file.seek(io::SeekFrom::End(0)));
                if back.is_err() {
                    self.current = None;
                }
            }
        }
        written
    }

    /// Keeps records as a segment of their own, which another process may take in as soon as it is there.
    ///
    /// # Errors
    ///
    /// The system's. Then none of them is kept.
    pub(super) fn append_apart(&mut self, records: &[UsageRecord]) -> io::Result<()> {
        let mut frames = MARK.to_vec();
        for record in records {
            write_frame(record, &mut frames)?;
        }
        let number = self.number()?;
        // The name says whose it is: another process may be at the same number.
        let path = self.folder.join(format!("{number:012}.{}.log", std::process::id()));
        let draft = path.with_extension("part");
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&frames)?;
        file.sync_data()?;
        fs::rename(&draft, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Ends the current segment and returns all there are, the oldest first.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn segments(&mut self) -> io::Result<Vec<PathBuf>> {
        self.current = None;
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut segments = entries
            .map(|entry| Ok(entry?.path()))
            .filter(|path| path.as_ref().map_or(true, |path| number(path).is_some()))
            .collect::<io::Result<Vec<_>>>()?;
        segments.sort();
        Ok(segments)
    }

    /// Returns the number of the next segment, and makes the folder.
    fn number(&mut self) -> io::Result<u64> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let latest = self.segments()?.last().and_then(|path| number(path)).unwrap_or_default();
        self.next = self.next.max(latest) + 1;
        Ok(self.next)
    }

    fn begin(&mut self) -> io::Result<Segment> {
        let number = self.number()?;
        let path = self.folder.join(format!("{number:012}.log"));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(MARK)?;
        // The folder's entry too has to be on the disk.
        File::open(&self.folder)?.sync_all()?;
        Ok(Segment { file, good_bytes: MARK.len() as u64 })
    }
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".log")?.split('.').next()?.parse().ok()
}

fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Sha256::digest(bytes)[..8]);
    sum
}

fn write_frame(record: &UsageRecord, frames: &mut Vec<u8>) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    frames.extend_from_slice(&length.to_be_bytes());
    frames.extend_from_slice(&checksum(&json));
    frames.extend_from_slice(&json);
    Ok(())
}

/// Reads a segment's records.
pub(super) struct Records {
    file: BufReader<File>,
    /// Whether the segment ended in the middle of a frame.
    pub(super) torn: bool,
}

impl Records {
    /// Opens a segment.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let mut mark = [0; MARK.len()];
        let torn = !fill(&mut file, &mut mark)? || &mark != MARK;
        Ok(Self { file, torn })
    }

    /// Returns the next records, `most` at most; none at the end.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn next(&mut self, most: usize) -> io::Result<Vec<UsageRecord>> {
        let mut records = Vec::new();
        while records.len() < most && !self.torn {
            match self.frame()? {
                Frame::Record(record) => records.push(*record),
                Frame::Torn => self.torn = true,
                Frame::End => break,
            }
        }
        Ok(records)
    }

    fn frame(&mut self) -> io::Result<Frame> {
        let mut head = [0; HEAD_BYTES];
        if self.file.fill_buf()?.is_empty() {
            return Ok(Frame::End);
        }
        if !fill(&mut self.file, &mut head)? {
            return Ok(Frame::Torn);
        }
        let (length, sum) = head.split_at(4);
        let length = length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte));
        if length > MAX_RECORD_BYTES {
            return Ok(Frame::Torn);
        }
        let mut json = vec![0; length];
        if !fill(&mut self.file, &mut json)? || checksum(&json) != sum {
            return Ok(Frame::Torn);
        }
        Ok(serde_json::from_slice(&json).map_or(Frame::Torn, Frame::Record))
    }
}

enum Frame {
    Record(Box<UsageRecord>),
    Torn,
    End,
}

/// Reads exactly as much as fits; tells whether there was as much.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::usage::tests::record;

    fn all(path: &Path) -> (Vec<UsageRecord>, bool) {
        let mut records = Records::of(path).unwrap();
        let read = records.next(usize::MAX).unwrap();
        (read, records.torn)
    }

    #[test]
    fn records_come_back_in_order_from_private_files() {
        let home = tempfile::tempdir().unwrap();
        let mut spill = Spill::in_folder(home.path());
        let records: Vec<_> = (0..5).map(record).collect();

        spill.append(&records[..2]).unwrap();
        spill.append(&records[2..4]).unwrap();
        let first = spill.segments().unwrap();
        spill.append(&records[4..]).unwrap();
        let both = spill.segments().unwrap();

        assert_eq!(all(&first[0]), (records[..4].to_vec(), false));
        assert_eq!(both.len(), 2, "an ended segment is not appended to");
        assert_eq!(all(&both[1]), (records[4..].to_vec(), false));
        let mode = fs::metadata(&first[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_kept_apart_is_whole_at_once_and_stands_in_order() {
        let home = tempfile::tempdir().unwrap();
        let (mut ours, mut theirs) = (Spill::in_folder(home.path()), Spill::in_folder(home.path()));
        ours.append_apart(&[record(0)]).unwrap();
        let seen = theirs.segments().unwrap();
        ours.append_apart(&[record(1), record(2)]).unwrap();

        assert_eq!(all(&seen[0]), (vec![record(0)], false), "no end is waited for");
        fs::remove_file(&seen[0]).unwrap();
        let left = theirs.segments().unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(all(&left[0]), (vec![record(1), record(2)], false));
        assert_eq!(fs::read_dir(home.path().join(FOLDER)).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn wherever_a_segment_is_torn_the_whole_records_before_come_back() {
        let home = tempfile::tempdir().unwrap();
        let mut spill = Spill::in_folder(home.path());
        let records: Vec<_> = (0..3).map(record).collect();
        spill.append(&records).unwrap();
        let path = spill.segments().unwrap().remove(0);
        let whole = fs::read(&path).unwrap();
        let mut ends = vec![MARK.len()];
        for record in &records {
            let mut frame = Vec::new();
            write_frame(record, &mut frame).unwrap();
            ends.push(ends.last().unwrap() + frame.len());
        }

        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let expected = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
            let (read, torn) = all(&path);
            assert_eq!(read, records[..expected], "cut at {cut}");
            assert_eq!(torn, !ends.contains(&cut), "cut at {cut}");
        }
        let mut changed = whole.clone();
        changed[ends[1] + HEAD_BYTES] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert_eq!(all(&path), (records[..1].to_vec(), true), "a changed byte is found");
    }

    #[test]
    fn another_process_begins_a_segment_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        Spill::in_folder(home.path()).append(&[record(0)]).unwrap();
        let mut later = Spill::in_folder(home.path());
        later.append(&[record(1)]).unwrap();

        let segments = later.segments().unwrap();
        assert_eq!(segments.len(), 2);
        assert_eq!(all(&segments[1]).0, [record(1)]);
    }
}
