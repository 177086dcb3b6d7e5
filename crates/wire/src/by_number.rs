//! Values by number, where there is nearly always one: answers of a reply, and the open parts of an answer.
//!
//! A `BTreeMap` makes room for eleven with the first, and every open stream has several of them.

/// Values by number, in order of their numbers.
#[derive(Debug)]
pub(crate) struct ByNumber<N, T>(Vec<(N, T)>);

impl<N, T> Default for ByNumber<N, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Copy + Ord, T> ByNumber<N, T> {
    /// Returns the value of a number.
    pub(crate) fn get(&self, number: N) -> Option<&T> {
        self.place(number).ok().map(|place| &self.0[place].1)
    }

    /// Returns the value of a number, to be changed.
    pub(crate) fn get_mut(&mut self, number: N) -> Option<&mut T> {
        self.place(number).ok().map(|place| &mut self.0[place].1)
    }

    /// Puts a value in the place of the one that the number has, if any.
    pub(crate) fn insert(&mut self, number: N, value: T) {
        match self.place(number) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => {
                if self.0.is_empty() {
                    self.0.reserve_exact(1);
                }
                self.0.insert(place, (number, value));
            }
        }
    }

    /// Takes the value of a number out.
    pub(crate) fn remove(&mut self, number: N) -> Option<T> {
        self.place(number).ok().map(|place| self.0.remove(place).1)
    }

    fn place(&self, number: N) -> Result<usize, usize> {
        self.0.binary_search_by_key(&number, |(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_numbers_whatever_their_order() {
        let mut values = ByNumber::default();
        for (number, value) in [(7_u16, 'a'), (2, 'b'), (9, 'c'), (7, 'd')] {
            values.insert(number, value);
        }

        assert_eq!(values.get(2), Some(&'b'));
        assert_eq!(values.get_mut(7), Some(&mut 'd'), "the newest");
        assert_eq!(values.remove(7), Some('d'));
        assert_eq!(values.get(7), None);
        assert_eq!(values.get(9), Some(&'c'));
    }

    #[test]
    fn one_value_takes_the_room_of_one() {
        let mut values = ByNumber::default();
        values.insert(0_u16, [0_u64; 8]);

        assert_eq!(values.0.capacity(), 1);
    }
}
