//! Orders in each other's shadow, with waits counted by hand.

use super::*;
use crate::decide::queue::{FirstComeFirstServed, SmallestAreaFirst};
use crate::model::{EndedTask, RecentTasks, Serving};

/// A task of so many devices that came, started and ended then; it asked for just what it took.
fn task(size: f64, submitted_seconds: u64, started: u64, ended_seconds: u64) -> EndedTask {
    let ran_seconds = ended_seconds - started;
    let requested_seconds = Some(ran_seconds);
    EndedTask { submitted_seconds, requested_seconds, ran_seconds, ended_seconds, size, priority: 0 }
}

fn ended(tasks: &[EndedTask]) -> RecentTasks {
    let mut recent = RecentTasks::default();
    tasks.iter().for_each(|&task| recent.note_end(task));
    recent
}

/// One device. While the first task runs from 0 to 100, one of 1,000 s and one of 100 s come, which ran in that order.
const ONE_DEVICE: [(u64, u64, u64); 3] = [(0, 0, 100), (10, 100, 1100), (20, 1100, 1200)];

#[test]
fn what_an_order_makes_wait_is_counted_where_devices_are_as_scarce_as_they_were() {
    let tasks = ONE_DEVICE.map(|(came, started, ended)| task(1.0, came, started, ended));
    let compared = compare_orders(&ended(&tasks), Serving::Rule, &SmallestAreaFirst, &FirstComeFirstServed)
        .expect("all say");
    // First come: waits of 0, 90 and 1,080 s. Smallest first: 0, 80 and, behind the short one, 190 s.
    let percent = |sum: f64| -100.0 * (sum / 3.0) / (1170.0 / 3.0 + 60.0);
    assert!((compared.rule - percent(1170.0)).abs() < 1e-9, "{compared:?}");
    assert!((compared.model - percent(270.0)).abs() < 1e-9, "{compared:?}");
}

#[test]
fn where_no_order_can_matter_nothing_is_compared() {
    let compared = |tasks: &[EndedTask]| {
        compare_orders(&ended(tasks), Serving::Rule, &SmallestAreaFirst, &FirstComeFirstServed)
    };
    let mut tasks = ONE_DEVICE.map(|(came, started, ended)| task(1.0, came, started, ended));
    assert!(compared(&tasks).is_some());
    tasks[1].priority = 1;
    assert_eq!(compared(&tasks), None, "priority goes before any order");
    let alone: Vec<EndedTask> =
        (0..200).map(|i| task(1.0, 10 * i, 10 * i, 10 * i + 5 + 40 * (i % 3))).collect();
    assert_eq!(compared(&alone), None, "nobody waited");
}

#[test]
fn tasks_that_do_not_say_how_long_they_run_are_not_compared() {
    let silent = |came| EndedTask { requested_seconds: None, ..task(1.0, came, came, came + 10) };
    let tasks = ended(&[silent(0), silent(1), task(1.0, 2, 2, 12)]);
    assert_eq!(compare_orders(&tasks, Serving::Rule, &SmallestAreaFirst, &FirstComeFirstServed), None);
    assert_eq!(
        compare_orders(&RecentTasks::default(), Serving::Rule, &SmallestAreaFirst, &FirstComeFirstServed),
        None
    );
}

#[test]
fn a_worse_order_is_taken_down_within_its_window_and_comes_back_when_it_gains() {
    let tasks = ONE_DEVICE.map(|(came, started, ended)| task(1.0, came, started, ended));
    let tasks = ended(&tasks);
    let worse =
        compare_orders(&tasks, Serving::Model, &FirstComeFirstServed, &SmallestAreaFirst).expect("all say");
    let better =
        compare_orders(&tasks, Serving::Rule, &SmallestAreaFirst, &FirstComeFirstServed).expect("all say");
    let mut guard = Guard::new(ORDER_GUARD, Serving::Model);
    let down =
        (1..=ORDER_GUARD.window).find(|_| guard.observe(worse.model, worse.rule).serving == Serving::Rule);
    assert_eq!(down, Some(ORDER_GUARD.least));
    let up =
        (1..=ORDER_GUARD.window).find(|_| guard.observe(better.model, better.rule).serving == Serving::Model);
    assert_eq!(up, Some(ORDER_GUARD.least));
}
