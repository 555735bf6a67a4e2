//! The world fails as often, by what and where it should.

use super::*;

fn failures(preset: FaultPreset, options: FaultOptions, days: i64) -> Vec<(i64, u32, usize)> {
    let mut world = FaultWorld::new(preset, options);
    let mut found = Vec::new();
    while let Some((now, node, event)) = world.advance() {
        if now >= days * 86_400 {
            break;
        }
        if let FaultEvent::Fail { cause } = event {
            found.push((now, node, cause));
        }
    }
    found
}

fn options(nodes: u32, seed: u64) -> FaultOptions {
    FaultOptions { nodes, mean_repair_hours: 0.0, signs: false, seed }
}

#[test]
fn nodes_fail_at_the_rate_of_each_preset() {
    for preset in FAULT_PRESETS {
        let expected = 2000.0 * 60.0 * preset.mean_per_day();
        let found = failures(preset, options(2000, 3), 60).len() as f64;
        assert!((found - expected).abs() < 4.0 * expected.sqrt(), "{}: {found} of {expected}", preset.name);
    }
}

#[test]
fn lemons_are_as_many_as_their_share_and_fail_as_often_as_they_should() {
    let preset = FAULT_PRESETS.into_iter().find(|p| p.name == "lemons").unwrap();
    let world = FaultWorld::new(preset, options(3000, 5));
    let lemons: Vec<bool> = (0..3000).map(|n| world.is_lemon(n)).collect();
    assert_eq!(lemons.iter().filter(|&&l| l).count(), 39);
    let of_lemons = failures(preset, options(3000, 5), 28).iter().filter(|f| lemons[f.1 as usize]).count();
    let expected = 39.0 * 0.365 * 28.0;
    assert!((of_lemons as f64 - expected).abs() < 4.0 * f64::sqrt(expected), "{of_lemons} of {expected}");
}

#[test]
fn a_seed_gives_one_world_and_causes_name_patterns_that_there_are() {
    assert_eq!(
        failures(FAULT_PRESETS[0], options(500, 1), 50),
        failures(FAULT_PRESETS[0], options(500, 1), 50)
    );
    assert_ne!(
        failures(FAULT_PRESETS[0], options(500, 1), 50),
        failures(FAULT_PRESETS[0], options(500, 2), 50)
    );
    let list = LogPatterns::built_in();
    let named = FAULT_CAUSES.iter().flat_map(|c| c.messages.iter().copied());
    for name in named.chain(FALSE_MESSAGES.map(|m| m.0)) {
        assert!(list.patterns().iter().any(|p| p.name == name), "{name}");
    }
    assert_eq!(FAULT_CAUSES.iter().map(|c| c.stops).sum::<u32>(), 419);
}

#[test]
fn signs_come_in_order_of_time_and_more_of_them_before_failures() {
    let options = FaultOptions { nodes: 300, mean_repair_hours: 6.0, signs: true, seed: 2 };
    let mut world = FaultWorld::new(FAULT_PRESETS[4], options);
    let (mut last, mut signs, mut failed) = (0, vec![Vec::new(); 300], Vec::new());
    while let Some((now, node, event)) = world.advance() {
        assert!(now >= last);
        last = now;
        match event {
            FaultEvent::Sign { .. } => signs[node as usize].push(now),
            FaultEvent::Fail { .. } => failed.push((node, now)),
            FaultEvent::Repaired => {}
        }
        if now > 60 * 86_400 {
            break;
        }
    }
    let before =
        failed.iter().map(|&(n, t)| signs[n as usize].iter().filter(|&&s| s < t && s > t - 86_400).count());
    let a_day_before = before.sum::<usize>() as f64 / failed.len() as f64;
    let a_day = signs.iter().map(Vec::len).sum::<usize>() as f64 / (300.0 * 60.0);
    assert!(a_day_before > 5.0 * a_day, "{a_day_before} against {a_day}");
}
