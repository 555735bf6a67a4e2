//! The event queue's order and checkpoints; index sets against an ordered set.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn events_of_the_same_second_come_in_the_order_they_were_scheduled() {
    let mut q = EventQueue::default();
    for (time, what) in [(5, 'a'), (3, 'b'), (5, 'c'), (3, 'd')] {
        q.schedule(time, what);
    }
    let order: Vec<char> = std::iter::from_fn(|| q.pop().map(|e| e.what)).collect();
    assert_eq!(order, ['b', 'd', 'a', 'c']);
}

#[test]
fn a_queue_read_back_from_its_checkpoint_goes_on_alike() {
    let mut q = EventQueue::default();
    for i in 0..50i64 {
        q.schedule((i * 7919) % 10, i);
    }
    q.pop();
    let text = serde_json::to_string(&q).expect("a queue can be written");
    let mut back: EventQueue<i64> = serde_json::from_str(&text).expect("and read back");
    q.schedule(4, 99);
    back.schedule(4, 99);
    while let Some(e) = q.pop() {
        assert_eq!(back.pop().map(|b| (b.time_seconds, b.what)), Some((e.time_seconds, e.what)));
    }
    assert!(back.is_empty());
}

proptest! {
    #[test]
    fn an_index_set_agrees_with_an_ordered_set(
        capacity in 1usize..9000,
        moves in prop::collection::vec((any::<bool>(), any::<u32>()), 0..300),
        probes in prop::collection::vec(any::<u32>(), 0..20),
    ) {
        let mut set = IndexSet::new(capacity);
        let mut model = BTreeSet::new();
        for (insert, raw) in moves {
            let i = raw as usize % capacity;
            if insert {
                set.insert(i);
                model.insert(i);
            } else {
                set.remove(i);
                model.remove(&i);
            }
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.first(), model.first().copied());
        }
        for raw in probes {
            let i = raw as usize % (capacity + 70);
            prop_assert_eq!(set.next_from(i), model.range(i..).next().copied());
        }
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.into_iter().collect::<Vec<_>>());
    }
}
