//! Whole courses of days: what is kept of each level, what is gone, and what a look back finds.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::files::{MIGRATIONS, Part, folder, number, parts};
use super::keeper::Writer;
use super::*;

const DAY: u64 = DAY_SECONDS;

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lepton-series-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(folder(&path)).expect("writable");
        Self(path)
    }

    fn writer(&self) -> Writer {
        self.writer_for(Periods::DEFAULT)
    }

    fn writer_for(&self, periods: Periods) -> Writer {
        Writer::open(folder(&self.0), periods).expect("it opens")
    }

    fn past(&self, node: &str, from_seconds: u64, to_seconds: u64, points_max: usize) -> Past {
        let query = PastQuery { node, from_seconds, to_seconds, points_max };
        Past::read(&self.0, &query).expect("readable")
    }

    /// All rows of a level.
    fn rows(&self, level: Level) -> u64 {
        let of = |part| number(&folder(&self.0), part, "SELECT count(*) FROM rows").expect("readable");
        parts(&folder(&self.0), level).into_iter().filter_map(of).sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two nodes and two measures; the first is the minute of the hour in thousandths.
fn sample(time_seconds: u64) -> Sample {
    let minute = (time_seconds / 60 % 60) as u16;
    sample_of(time_seconds, &["used", "state"], &[minute, minute + 100, 0, 3000])
}

fn sample_of(time_seconds: u64, measures: &[&str], values: &[u16]) -> Sample {
    let names = |of: &[&str]| Arc::new(of.iter().map(|name| (*name).to_owned()).collect());
    Sample {
        time_seconds,
        unix_seconds: 20_000 * DAY + time_seconds,
        nodes: names(&["n1", "n2"]),
        measures: names(measures),
        values: values.to_vec(),
    }
}

/// A sample a minute from one moment up to before another.
fn live(writer: &mut Writer, from_seconds: u64, to_seconds: u64) {
    for time in (from_seconds..to_seconds).step_by(60) {
        writer.take(sample(time)).expect("there is room");
    }
}

#[test]
fn shares_are_kept_to_a_thousandth_and_what_is_too_high_at_the_greatest() {
    let kept = [0.0, 0.0004, 0.8, 1.0, 3.0, 99.0, -1.0, f64::NAN].map(Sample::thousandths);
    assert_eq!(kept, [0, 0, 800, 1000, 3000, 65_535, 0, 0]);
}

#[test]
fn a_row_is_five_minutes_of_a_node_and_an_hour_is_rolled_up_when_it_is_over() {
    let folder = Folder::new("levels");
    let mut writer = folder.writer();
    live(&mut writer, DAY, DAY + 3600);
    assert_eq!(
        (folder.rows(Level::Raw), folder.rows(Level::FiveMinutes)),
        (22, 0),
        "the last window is open"
    );
    live(&mut writer, DAY + 3600, DAY + 3660);
    assert_eq!(Level::ALL.map(|level| folder.rows(level)), [24, 2, 2]);

    let raw = folder.past("n2", DAY, DAY + 3600, 100);
    assert_eq!(
        (raw.level, raw.measures.as_slice()),
        (Level::Raw, &["used".to_owned(), "state".to_owned()][..])
    );
    assert_eq!(raw.points.len(), 60);
    assert_eq!(
        raw.points[7],
        PastPoint { time_seconds: DAY + 420, seconds: 0, values: vec![[107; 4], [3000; 4]] }
    );

    let five = folder.past("n1", DAY, DAY + 3600, 59);
    assert_eq!((five.level, five.points.len()), (Level::FiveMinutes, 12));
    let values = vec![[5, 7, 9, 9], [0; 4]];
    assert_eq!(five.points[1], PastPoint { time_seconds: DAY + 300, seconds: 300, values });

    let hours = folder.past("n1", DAY, DAY + 3600, 11);
    let values = vec![[0, 30, 59, 56], [0; 4]];
    assert_eq!(hours.points, [PastPoint { time_seconds: DAY, seconds: 3600, values }]);
    assert_eq!(hours.level, Level::Hour);
    assert_eq!(folder.past("n3", 0, 2 * DAY, 10).points, [], "there is no such node");
}

#[test]
fn what_is_not_rolled_up_yet_follows_as_five_minutes() {
    let folder = Folder::new("tail");
    let mut writer = folder.writer();
    live(&mut writer, 0, 2 * 3600 + 601);
    let past = folder.past("n1", 0, DAY, 20);
    assert_eq!(past.level, Level::Hour);
    let times: Vec<(u64, u64)> =
        past.points.iter().map(|point| (point.time_seconds, point.seconds)).collect();
    assert_eq!(times, [(0, 3600), (3600, 3600), (7200, 300), (7500, 300)]);
}

#[test]
fn each_level_goes_after_its_period_by_files_and_the_finest_that_covers_the_range_answers() {
    let folder = Folder::new("expiry");
    let periods = Periods { raw_hours: 48, five_minutes_days: 10, hours_days: 396 };
    let mut writer = folder.writer_for(periods);
    for hour in 0..40 * 24 {
        writer.take(sample(hour * 3600)).expect("there is room");
        writer.take(sample(hour * 3600 + 1800)).expect("there is room");
    }
    let now = 40 * DAY - 1800;
    let first = |level| {
        let part = parts(&files::folder(&folder.0), level)[0];
        number(&files::folder(&folder.0), part, "SELECT min(from_seconds) FROM rows").expect("readable")
    };
    assert_eq!(Level::ALL.map(first), [Some(37 * DAY), Some(25 * DAY), Some(0)]);
    let level = |hours: u64| folder.past("n1", now - hours * 3600, now, 10_000).level;
    assert_eq!([24, 47, 73, 240, 241, 900].map(level), {
        use Level::{FiveMinutes, Hour, Raw};
        [Raw, Raw, FiveMinutes, FiveMinutes, FiveMinutes, Hour]
    });
    assert_eq!(level(15 * 24 + 2), Level::Hour, "before the first file of the level above");
    let all = folder.past("n1", 0, now, 10_000);
    assert_eq!(all.points.len(), 40 * 24, "no hour is missing, and none is there twice");
    let left = fs::read_dir(files::folder(&folder.0)).expect("readable").count();
    assert!(left <= 3 * (3 + 4 + 2), "{left} files are left");
}

#[test]
fn what_is_untold_in_two_files_names_its_measures_once() {
    let folder = Folder::new("untold");
    let mut writer = folder.writer();
    live(&mut writer, DAY - 3600, DAY + 3600);
    assert_eq!(parts(&files::folder(&folder.0), Level::Raw).len(), 2);
    let (rows, names) = Untold::of(&folder.0).rows(Level::Raw, 0, 10_000).expect("readable");
    let numbers: Vec<i64> = rows.iter().map(|(_, number, _)| *number).collect();
    assert_eq!(numbers, (1..=rows.len() as i64).collect::<Vec<_>>());
    assert!(rows.len() > 40 && names.len() == 1, "{} rows, {} names", rows.len(), names.len());
}

#[test]
fn rows_that_a_kill_left_without_rollup_are_rolled_up_at_the_next_start() {
    let folder = Folder::new("killed");
    let mut writer = folder.writer();
    live(&mut writer, 0, 7200);
    assert_eq!(Level::ALL.map(|level| folder.rows(level)), [46, 2, 2]);
    // As a kill between the two levels leaves it.
    let hours = parts(&files::folder(&folder.0), Level::Hour)[0];
    drop(writer);
    let connection = Connection::open(hours.path(&files::folder(&folder.0))).expect("it is there");
    connection.execute_batch("DELETE FROM rows").expect("writable");
    drop(connection);
    let mut writer = folder.writer();
    live(&mut writer, 7260, 10_860);
    assert_eq!(Level::ALL.map(|level| folder.rows(level)), [70, 6, 6]);
    let hour = folder.past("n1", 3600, 7200, 1);
    assert_eq!(hour.points[0].values[0], [0, 27, 54, 52], "without the window that the kill cost");
    drop(writer);
    let again = folder.writer();
    drop(again);
    assert_eq!(Level::ALL.map(|level| folder.rows(level)), [70, 6, 6], "nothing is rolled up twice");
}

#[test]
fn the_end_keeps_the_window_that_is_open_and_another_list_of_measures_closes_it() {
    let folder = Folder::new("end");
    let keeper = SeriesKeeper::start(&folder.0, Periods::DEFAULT).expect("it begins");
    keeper.keep(sample(0));
    keeper.keep(sample_of(60, &["used"], &[1, 2]));
    keeper.keep(sample_of(30, &["used"], &[9, 9]));
    drop(keeper);
    assert_eq!(folder.rows(Level::Raw), 4, "time that goes back is not kept");
    let past = folder.past("n2", 0, 600, 10);
    assert_eq!(
        (past.measures.as_slice(), past.points.len()),
        (&["used".to_owned()][..], 1),
        "the newest list"
    );
    assert_eq!(folder.past("n2", 0, 60, 10).measures, ["used", "state"]);
}

#[test]
fn a_disk_that_cannot_be_written_costs_samples_and_says_so_until_it_can() {
    let at = Folder::new("full");
    let mut writer = at.writer();
    live(&mut writer, 0, 300);
    // No file can be made under the name of a folder.
    let part = Part::of(Level::Raw, 0).path(&folder(&at.0));
    fs::create_dir(&part).expect("writable");
    assert!(writer.take(sample(300)).is_err());
    fs::remove_dir(&part).expect("it is there");
    live(&mut writer, 360, 660);
    assert_eq!(at.rows(Level::Raw), 2, "the window after it is kept");
}

#[test]
fn every_earlier_form_of_a_file_is_brought_up_to_date_and_a_later_one_is_refused() {
    for version in 0..=MIGRATIONS.len() {
        let at = Folder::new(&format!("schema-{version}"));
        let path = Part::of(Level::Raw, 0).path(&folder(&at.0));
        let old = Connection::open(&path).expect("it is made");
        MIGRATIONS[..version].iter().for_each(|sql| old.execute_batch(sql).expect("it was sound"));
        old.pragma_update(None, "user_version", version.saturating_sub(1) as u32).expect("writable");
        drop(old);
        live(&mut at.writer(), 0, 301);
        assert_eq!(at.rows(Level::Raw), 2);
        let later = Connection::open(&path).expect("it is there");
        later.pragma_update(None, "user_version", 99).expect("writable");
        let refused = SeriesKeeper::start(&at.0, Periods::DEFAULT).map(drop).expect_err("a later lepton's");
        assert!(refused.to_string().contains("schema version 99"), "{refused}");
    }
}
