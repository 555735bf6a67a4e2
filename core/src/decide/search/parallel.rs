//! The same work on several threads: the results stand in the order of the jobs, whoever did them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// `work(i)` for each `i` below `jobs`, on up to `threads` threads; a thread that is done takes the next job.
pub fn map<T: Send>(jobs: usize, threads: usize, work: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return done;
            }
            done.push((job, work(job)));
        }
    };
    let threads = threads.clamp(1, jobs.max(1));
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().expect("a panic of a thread is a panic of the whole"));
        }
        done
    });
    done.sort_unstable_by_key(|&(job, _)| job);
    done.into_iter().map(|(_, result)| result).collect()
}
