//! Events in order of time; of several at the same time, the one scheduled first comes first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

/// An event with its time and its place among those of the same time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Event<E> {
    /// When it happens, in seconds.
    pub time_seconds: i64,
    /// Number in order of scheduling; breaks ties of time.
    pub sequence: u64,
    /// What happens.
    pub what: E,
}

impl<E> PartialEq for Event<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Event<E> {}

impl<E> PartialOrd for Event<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Event<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.time_seconds, self.sequence).cmp(&(other.time_seconds, other.sequence))
    }
}

/// A queue of events. Its memory is kept between runs, so the steady state allocates nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventQueue<E> {
    heap: BinaryHeap<Reverse<Event<E>>>,
    scheduled: u64,
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), scheduled: 0 }
    }
}

impl<E> EventQueue<E> {
    /// Schedules `what` at `time_seconds` and returns its sequence number.
    pub fn schedule(&mut self, time_seconds: i64, what: E) -> u64 {
        let sequence = self.scheduled;
        self.scheduled += 1;
        self.heap.push(Reverse(Event { time_seconds, sequence, what }));
        sequence
    }

    /// Time of the next event, if there is one.
    pub fn next_time_seconds(&self) -> Option<i64> {
        self.heap.peek().map(|e| e.0.time_seconds)
    }

    /// The next event without taking it.
    pub fn peek(&self) -> Option<&Event<E>> {
        self.heap.peek().map(|e| &e.0)
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<Event<E>> {
        self.heap.pop().map(|e| e.0)
    }

    /// Number of events scheduled and not yet taken.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is scheduled.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Forgets all events but keeps the memory.
    pub fn clear(&mut self) {
        self.heap.clear();
        self.scheduled = 0;
    }

    /// The scheduled events in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Event<E>> {
        self.heap.iter().map(|e| &e.0)
    }
}
