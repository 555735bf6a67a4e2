//! What the service tells those who look on: each tick is encoded once and kept in a ring that all viewers read. A viewer holds no
//! queue, only a place in the ring; one that falls behind the ring's oldest frame is told to begin anew.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde::Serialize;
use tokio::sync::watch;

/// Frames that are kept.
const FRAMES_MAX: usize = 512;
/// Bytes that are kept.
const BYTES_MAX: usize = 16 << 20;
/// Shortest time between two ticks.
const TICK: Duration = Duration::from_millis(100);
/// Frames handed to a viewer at once.
const BATCH_MAX: usize = 64;

/// What frames are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// How the service stands.
    Status,
    /// How turns went.
    Turns,
    /// How the nodes stand.
    Nodes,
    /// What waits.
    Waiting,
    /// What was decided.
    Decisions,
    /// The plan that waits for a person.
    Plan,
}

/// All of them, by name.
pub(crate) const TOPICS: [(Topic, &str); 6] = [
    (Topic::Status, "status"),
    (Topic::Turns, "turns"),
    (Topic::Nodes, "nodes"),
    (Topic::Waiting, "waiting"),
    (Topic::Decisions, "decisions"),
    (Topic::Plan, "plan"),
];

/// A set of topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topics(u8);

impl Topics {
    /// All of them.
    pub(crate) const ALL: Self = Self(u8::MAX);

    /// Those named, separated by commas.
    pub(crate) fn named(names: &str) -> Result<Self, String> {
        let one = |name: &str| {
            let at = TOPICS.iter().position(|(_, of)| *of == name);
            let known = TOPICS.map(|(_, of)| of).join(", ");
            at.map(|at| 1_u8 << at).ok_or_else(|| format!("there is no topic `{name}`; there are: {known}"))
        };
        names.split(',').try_fold(0, |set, name| Ok(set | one(name)?)).map(Self)
    }

    fn holds(self, topic: Topic) -> bool {
        TOPICS.iter().position(|(of, _)| *of == topic).is_some_and(|at| self.0 >> at & 1 == 1)
    }
}

#[derive(Debug, Clone)]
struct Frame {
    number: u64,
    topic: Topic,
    text: Bytes,
}

#[derive(Debug, Default)]
struct Ring {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// The newest frame of each topic, also when the ring holds it no longer.
    newest: [Option<Frame>; TOPICS.len()],
    next: u64,
    told: Option<Instant>,
}

/// Where a viewer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It has seen nothing.
    New,
    /// It has seen all frames before this number.
    Before(u64),
    /// It names a frame of another life of the service, or none at all.
    Lost,
}

/// The ring and whom it wakes.
#[derive(Debug)]
pub(super) struct Stream {
    ring: Mutex<Ring>,
    news: watch::Sender<u64>,
    /// Tells the frames of this life of the service from those of others.
    life: u64,
    viewers: AtomicUsize,
}

impl Stream {
    /// Without frames; `life` differs from start to start.
    pub(super) fn new(life: u64) -> Self {
        Self { ring: Mutex::default(), news: watch::Sender::new(0), life, viewers: AtomicUsize::new(0) }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time for the next tick.
    pub(super) fn is_due(&self) -> bool {
        self.ring().told.is_none_or(|told| told.elapsed() >= TICK)
    }

    /// Tells all viewers; each body is encoded here, once.
    pub(super) fn tell(&self, bodies: &[(Topic, &dyn Encode)]) {
        let encoded: Vec<(Topic, String)> = bodies.iter().map(|(t, body)| (*t, body.encoded())).collect();
        let mut ring = self.ring();
        for (topic, body) in encoded {
            let number = ring.next;
            let name = TOPICS.iter().find(|(of, _)| *of == topic).map_or("", |(_, name)| name);
            let text = format!("id: {:x}-{number:x}\nevent: {name}\ndata: {body}\n\n", self.life);
            ring.push(Frame { number, topic, text: Bytes::from(text) });
        }
        ring.told = Some(Instant::now());
        self.news.send_replace(ring.next);
    }

    /// Wakes whoever waits for a frame.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The place that a frame's id names.
    pub(super) fn place(&self, id: Option<&str>) -> Place {
        let Some(id) = id else { return Place::New };
        let read = || {
            let (life, number) = id.split_once('-')?;
            let number = u64::from_str_radix(number, 16).ok()?;
            (u64::from_str_radix(life, 16).ok()? == self.life && number < self.ring().next).then_some(number)
        };
        read().map_or(Place::Lost, |number| Place::Before(number + 1))
    }

    /// The frames that come after a place, and the place after them.
    pub(super) fn after(&self, place: Place, topics: Topics) -> (Vec<Bytes>, Place) {
        let ring = self.ring();
        let oldest = ring.frames.front().map_or(ring.next, |frame| frame.number);
        let from = match place {
            Place::Before(number) if number >= oldest => number,
            _ => {
                let mut frames = Vec::new();
                if place != Place::New {
                    frames.push(self.reset(ring.next));
                }
                let mut newest: Vec<&Frame> = ring.newest.iter().flatten().collect();
                newest.sort_by_key(|frame| frame.number);
                frames.extend(newest.iter().filter(|f| topics.holds(f.topic)).map(|f| f.text.clone()));
                return (frames, Place::Before(ring.next));
            }
        };
        let behind = ring.frames.iter().skip((from - oldest) as usize).take(BATCH_MAX);
        let next = (from + BATCH_MAX as u64).min(ring.next);
        (behind.filter(|f| topics.holds(f.topic)).map(|f| f.text.clone()).collect(), Place::Before(next))
    }

    /// Tells a viewer that frames are lost to it: what follows is how everything stands now.
    fn reset(&self, next: u64) -> Bytes {
        let mut text = String::new();
        if let Some(last) = next.checked_sub(1) {
            let _ = writeln!(text, "id: {:x}-{last:x}", self.life);
        }
        text.push_str(
            "event: reset\ndata: {\"reason\":\"frames were missed; what follows is how it stands now\"}\n\n",
        );
        Bytes::from(text)
    }

    /// How many look on.
    pub(super) fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// Lets one more look on, if there are fewer than `most`; whether it may.
    pub(super) fn enter(&self, most: usize) -> bool {
        let more = |count: usize| (count < most).then_some(count + 1);
        self.viewers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// One looks on no longer.
    pub(super) fn leave(&self) {
        self.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Ring {
    fn push(&mut self, frame: Frame) {
        self.next = frame.number + 1;
        self.bytes += frame.text.len();
        if let Some(at) = TOPICS.iter().position(|(of, _)| *of == frame.topic) {
            self.newest[at] = Some(frame.clone());
        }
        self.frames.push_back(frame);
        while self.frames.len() > FRAMES_MAX || (self.bytes > BYTES_MAX && self.frames.len() > 1) {
            self.bytes -= self.frames.pop_front().map_or(0, |frame| frame.text.len());
        }
    }
}

/// Something that becomes JSON.
pub(super) trait Encode {
    /// On one line.
    fn encoded(&self) -> String;
}

impl<T: Serialize> Encode for T {
    fn encoded(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(frames: &[Bytes]) -> String {
        frames.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
    }

    #[test]
    fn a_viewer_goes_on_after_the_frame_that_it_saw_last() {
        let stream = Stream::new(7);
        stream.tell(&[(Topic::Status, &1), (Topic::Turns, &2)]);
        let (first, place) = stream.after(stream.place(None), Topics::ALL);
        assert_eq!(texts(&first), "id: 7-0\nevent: status\ndata: 1\n\nid: 7-1\nevent: turns\ndata: 2\n\n");
        assert!(stream.after(place, Topics::ALL).0.is_empty());
        stream.tell(&[(Topic::Status, &3)]);
        assert_eq!(texts(&stream.after(place, Topics::ALL).0), "id: 7-2\nevent: status\ndata: 3\n\n");
        let again = stream.place(Some("7-0"));
        assert_eq!(
            texts(&stream.after(again, Topics::named("status").expect("known")).0).matches("id:").count(),
            1
        );
    }

    #[test]
    fn a_viewer_that_fell_behind_or_comes_from_another_life_begins_anew() {
        let stream = Stream::new(7);
        (0..FRAMES_MAX + 2).for_each(|number| stream.tell(&[(Topic::Status, &number)]));
        for id in ["7-0", "6-1", "7-ffff", "what"] {
            let (frames, place) = stream.after(stream.place(Some(id)), Topics::ALL);
            let text = texts(&frames);
            assert!(
                text.contains("event: reset") && text.contains(&format!("data: {}\n", FRAMES_MAX + 1)),
                "{id}: {text}"
            );
            assert!(stream.after(place, Topics::ALL).0.is_empty());
        }
        let (mut place, mut seen) = (stream.place(Some("7-1")), 0);
        loop {
            let (frames, next) = stream.after(place, Topics::ALL);
            if frames.is_empty() {
                break;
            }
            (place, seen) = (next, seen + frames.len());
        }
        assert_eq!(seen, FRAMES_MAX, "what the ring holds is not lost");
    }

    #[test]
    fn the_ring_is_bounded_in_bytes() {
        let stream = Stream::new(1);
        let long = "x".repeat(BYTES_MAX / 4);
        (0..9).for_each(|_| stream.tell(&[(Topic::Nodes, &long)]));
        assert!(stream.ring().frames.len() < 4 && stream.ring().bytes <= BYTES_MAX);
    }

    #[test]
    fn topics_are_named_and_no_more_look_on_than_may() {
        assert!(Topics::named("status,plan").expect("known").holds(Topic::Plan));
        assert!(!Topics::named("status").expect("known").holds(Topic::Plan));
        assert!(Topics::named("staus").expect_err("unknown").contains("there are: status, turns"));
        let stream = Stream::new(1);
        assert!(stream.enter(1) && !stream.enter(1));
        stream.leave();
        assert!(stream.enter(1));
    }
}
