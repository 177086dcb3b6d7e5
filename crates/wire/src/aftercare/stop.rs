//! Looks for stop sequences in text that comes in pieces.

/// The scan of one answer's visible text.
#[derive(Debug, Default)]
pub(super) struct StopScan {
    /// The end of the text so far, as much of it as may begin a sequence.
    held: String,
}

/// What a scan found out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Text that may be shown now; possibly empty.
    pub(super) shown: String,
    /// Which sequence came right behind it, if one did.
    pub(super) sequence: Option<usize>,
}

impl StopScan {
    /// Takes more text.
    ///
    /// Of several sequences the one that begins first counts, then the one that is first in the list.
    /// One that has come is held too while one that began earlier may still come.
    pub(super) fn push(&mut self, delta: &str, sequences: &[String]) -> Found {
        self.held.push_str(delta);
        let held = sequences.iter().map(|sequence| overlap(&self.held, sequence)).max();
        let open = self.held.len() - held.unwrap_or(0);
        match self.first(sequences) {
            Some((place, index)) if place < open => self.found(place, index),
            _ => Found { shown: self.take(open), sequence: None },
        }
    }

    /// Says that no more text comes.
    pub(super) fn finish(&mut self, sequences: &[String]) -> Found {
        match self.first(sequences) {
            Some((place, index)) => self.found(place, index),
            None => Found { shown: std::mem::take(&mut self.held), sequence: None },
        }
    }

    fn first(&self, sequences: &[String]) -> Option<(usize, usize)> {
        let places = sequences.iter().enumerate().filter(|(_, sequence)| !sequence.is_empty());
        places.filter_map(|(index, text)| Some((self.held.find(&**text)?, index))).min()
    }

    fn found(&mut self, place: usize, index: usize) -> Found {
        Found { shown: self.take(place), sequence: Some(index) }
    }

    fn take(&mut self, place: usize) -> String {
        let rest = self.held.split_off(place);
        std::mem::replace(&mut self.held, rest)
    }
}

/// Returns how many bytes at the end of `text` may begin `sequence`, all of it excluded.
fn overlap(text: &str, sequence: &str) -> usize {
    let most = sequence.len().saturating_sub(1).min(text.len());
    (1..=most)
        .rev()
        .filter(|length| sequence.is_char_boundary(*length))
        .find(|length| text.ends_with(&sequence[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(pieces: &[&str], sequences: &[&str]) -> (String, Option<usize>) {
        let sequences: Vec<String> = sequences.iter().map(|text| (*text).to_owned()).collect();
        let (mut scan, mut text) = (StopScan::default(), String::new());
        for piece in pieces {
            let found = scan.push(piece, &sequences);
            text.push_str(&found.shown);
            if found.sequence.is_some() {
                return (text, found.sequence);
            }
        }
        let found = scan.finish(&sequences);
        (text + &found.shown, found.sequence)
    }

    #[test]
    fn text_is_cut_before_the_sequence_that_begins_first() {
        let check = |pieces: &[&str], sequences: &[&str], text: &str, found| {
            assert_eq!(scan(pieces, sequences), (text.to_owned(), found), "{pieces:?}");
        };
        check(&["one STOP two"], &["STOP"], "one ", Some(0));
        check(&["one S", "TO", "P"], &["STOP"], "one ", Some(0));
        check(&["a", "b", "c"], &["bcd", "c"], "ab", Some(1));
        check(&["a", "bc", "d"], &["bcd", "c"], "a", Some(0));
        check(&["aab", "aac"], &["aac"], "aab", Some(0));
        check(&["no such"], &["STOP", ""], "no such", None);
        check(&["ends in STO"], &["STOP"], "ends in STO", None);
        check(&["gr", "ü", "ße"], &["üß"], "gr", Some(0));
    }

    #[test]
    fn what_cannot_begin_a_sequence_is_shown_at_once() {
        let found = StopScan::default().push("text E", &["END".to_owned()]);

        assert_eq!(found, Found { shown: "text ".to_owned(), sequence: None });
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_text(
            text in "[abü]{0,30}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
            sequences in prop::collection::vec("[abü]{1,4}", 1..4),
        ) {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            let mut cuts: Vec<usize> = cuts
                .iter()
                .filter(|_| !places.is_empty())
                .map(|cut| places[cut.index(places.len())])
                .collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let wanted: Vec<&str> = sequences.iter().map(String::as_str).collect();

            let at_once = wanted.iter().enumerate().filter_map(|(i, s)| Some((text.find(s)?, i))).min();
            let expected = match at_once {
                Some((place, _)) => &text[..place],
                None => &text,
            };
            let (found, matched) = scan(&pieces, &wanted);
            prop_assert_eq!(found.as_str(), expected);
            prop_assert_eq!(matched.is_some(), at_once.is_some());
        }
    }
}
