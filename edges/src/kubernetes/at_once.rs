//! Work on many items at the same time, each begun in turn.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// Goes through the items on so many threads at most, this one among them: `begin` is asked of one after the other in their order, `end`
/// of many at a time. One result for each, in their order.
pub(super) fn at_once<T: Copy + Sync, B, R: Send>(
    items: &[T],
    threads_max: usize,
    begin: impl Fn(T) -> B + Sync,
    end: impl Fn(B) -> R + Sync,
) -> Vec<R> {
    let next = Mutex::new(0);
    let results = Mutex::new((0..items.len()).map(|_| None).collect::<Vec<Option<R>>>());
    let work = || {
        loop {
            let (at, begun) = {
                let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(&item) = items.get(*next) else { return };
                *next += 1;
                (*next - 1, begin(item))
            };
            let result = end(begun);
            results.lock().unwrap_or_else(PoisonError::into_inner)[at] = Some(result);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads_max.min(items.len()) {
            // Where there can be no more threads, those that are there do it all.
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_begun_in_turn_and_answered_in_its_place() {
        let items: Vec<usize> = (0..100).collect();
        let begun = Mutex::new(Vec::new());
        let results = at_once(
            &items,
            8,
            |item| {
                begun.lock().expect("sound").push(item);
                item
            },
            |item| item * 2,
        );
        assert_eq!(*begun.lock().expect("sound"), items);
        assert_eq!(results, items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(at_once(&[0; 0], 8, |item: i32| item, |item| item).is_empty());
    }
}
