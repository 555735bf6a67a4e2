//! Known series with known answers, coverage on made data, and what holds for any input.

use std::sync::Arc;

use proptest::prelude::*;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::*;

const SEASON: usize = 48;

fn steps() -> Steps {
    Steps::new(12, true, &[0.1, 0.5, 0.9, 0.95]).unwrap()
}

/// A setup whose network answers the last value whatever it sees.
fn setup() -> ForecastSetup {
    let steps = steps();
    let layers = vec![FEATURES, 4, steps.outputs() * steps.levels().len()];
    let silent = Perceptron::new(layers.clone(), vec![0.0; Perceptron::weight_count(&layers)]).unwrap();
    let network = NetworkModel::new(steps.clone(), vec![silent]).unwrap();
    let source = Perceptron::new(SOURCE_LAYERS.to_vec(), vec![0.1; Perceptron::weight_count(&SOURCE_LAYERS)]);
    ForecastSetup {
        steps,
        season_bins: SEASON,
        network: Some(Arc::new(network)),
        source: Some(Arc::new(SourceModel::new(source.unwrap()).unwrap())),
        mixture: MixtureConfig::default(),
    }
}

fn played(kind: ModelKind, values: impl IntoIterator<Item = f64>) -> SeriesForecaster {
    let mut series = SeriesForecaster::new(&setup(), kind).unwrap();
    for value in values {
        series.push((!value.is_nan()).then_some(value), &mut Scratch::default());
    }
    series
}

#[test]
fn a_constant_series_is_forecast_as_its_constant_by_all_models_without_margin() {
    for (kind, name) in MODEL_KINDS {
        if matches!(kind, ModelKind::DecayedHistogram | ModelKind::Source) {
            continue;
        }
        let forecast =
            played(kind, std::iter::repeat_n(123_456.789_012, 400)).forecast(&mut Scratch::default());
        for step in 1..=12 {
            assert_eq!(forecast.of_step(step), [123_456.789_012; 4], "{name}");
        }
        assert_eq!(forecast.of_peak(), Some(&[123_456.789_012; 4][..]), "{name}");
    }
}

#[test]
fn an_empty_series_is_forecast_as_zero() {
    for (kind, name) in MODEL_KINDS {
        let forecast = played(kind, std::iter::repeat_n(f64::NAN, 100)).forecast(&mut Scratch::default());
        let quantiles = forecast.of_step(12);
        assert!(quantiles.iter().all(|q| q.is_finite()), "{name}");
        if kind != ModelKind::Source {
            assert_eq!(quantiles, [0.0; 4], "{name}");
        }
    }
}

#[test]
fn a_ramp_goes_on_beyond_what_was_seen() {
    let mut series = played(ModelKind::Auto, (0..400).map(|t| 10.0 + f64::from(t)));
    let forecast = series.forecast(&mut Scratch::default());
    let (last, peak) = (409.0, forecast.peak(0.95).unwrap());
    assert!((peak - (last + 12.0)).abs() < 1.0, "the peak of a rising ramp is its end, not {peak}");
    assert!(forecast.at(12, 0.95) > last + 8.0, "{}", forecast.at(12, 0.95));
}

#[test]
fn a_daily_rhythm_is_followed_by_the_model_that_knows_it() {
    let wave = |t: usize| 50.0 + 40.0 * (std::f64::consts::TAU * t as f64 / SEASON as f64).sin();
    let mut series = played(ModelKind::Auto, (0..600).map(wave));
    let forecast = series.forecast(&mut Scratch::default());
    for step in [1, 4, 8, 12] {
        let came = wave(599 + step);
        assert!(
            (forecast.at(step, 0.5) - came).abs() < 4.0,
            "step {step}: {} against {came}",
            forecast.at(step, 0.5)
        );
    }
}

#[test]
fn a_network_asked_for_its_peak_alone_gives_the_peak_of_the_whole() {
    let steps = steps();
    let layers = vec![FEATURES, 5, steps.outputs() * steps.levels().len()];
    let weights = (0..Perceptron::weight_count(&layers)).map(|i| ((i * 7919) % 201) as f32 / 2000.0 - 0.05);
    let network = Perceptron::new(layers, weights.collect()).unwrap();
    let whole = NetworkModel::new(steps, vec![network.clone(), network]).unwrap();
    let alone = whole.peak_alone().unwrap();
    let of = |model: NetworkModel| {
        let setup = ForecastSetup { steps: model.steps().clone(), network: Some(Arc::new(model)), ..setup() };
        let mut series = SeriesForecaster::new(&setup, ModelKind::Network).unwrap();
        (0..200).for_each(|t| series.push(Some(f64::from(t % 17)), &mut Scratch::default()));
        series.forecast(&mut Scratch::default()).of_peak().unwrap().to_vec()
    };
    assert_eq!(of(alone), of(whole));
}

#[test]
fn a_forecast_of_the_peak_alone_is_near_that_beside_the_steps() {
    let alone =
        ForecastSetup { steps: Steps::peak_alone(12, &[0.5, 0.9]).unwrap(), network: None, ..setup() };
    let mut series = SeriesForecaster::new(&alone, ModelKind::Auto).unwrap();
    let wave = |t: usize| 50.0 + 40.0 * (std::f64::consts::TAU * t as f64 / SEASON as f64).sin();
    (0..600).for_each(|t| series.push(Some(wave(t)), &mut Scratch::default()));
    let peak = (600..612).map(wave).fold(0.0, f64::max);
    let forecast = series.forecast(&mut Scratch::default());
    assert!((forecast.peak(0.5).unwrap() - peak).abs() < 4.0, "{:?} against {peak}", forecast.of_peak());
    assert_eq!(forecast.of_step(3), forecast.of_peak().unwrap(), "the peak answers for all steps");
}

#[test]
fn after_a_step_the_new_level_is_believed_within_hours() {
    let values = (0..400).map(|t| if t < 380 { 10.0 } else { 90.0 });
    let forecast = played(ModelKind::Auto, values).forecast(&mut Scratch::default());
    assert!(forecast.at(1, 0.5) > 80.0, "{}", forecast.at(1, 0.5));
    let smoothing = played(ModelKind::Smoothing, (0..400).map(|t| if t < 380 { 10.0 } else { 90.0 }))
        .forecast(&mut Scratch::default());
    assert!(smoothing.at(1, 0.5) > 60.0, "{}", smoothing.at(1, 0.5));
}

#[test]
fn spikes_move_the_high_quantile_of_the_peak_and_not_the_median() {
    let spiky = (0..900).map(|t| if t % 9 == 4 { 100.0 } else { 1.0 });
    let forecast = played(ModelKind::Auto, spiky).forecast(&mut Scratch::default());
    assert!(forecast.at(6, 0.5) < 30.0, "{}", forecast.at(6, 0.5));
    assert!(forecast.peak(0.95).unwrap() > 90.0, "{:?}", forecast.peak(0.95));
}

#[test]
fn quantiles_of_made_noise_cover_what_they_say() {
    let mut rng = Pcg64Mcg::new(5);
    let mut series = SeriesForecaster::new(&setup(), ModelKind::Auto).unwrap();
    let (mut covered, mut peaks_covered, mut count) = ([0_u32; 4], 0, 0);
    // Exponential noise about a level: the true quantiles are known, and tails are heavy on one side.
    let values: Vec<f64> = (0..6000).map(|_| 20.0 - 5.0 * (1.0 - rng.random::<f64>()).ln()).collect();
    for (t, &value) in values.iter().enumerate().take(5980) {
        series.push(Some(value), &mut Scratch::default());
        if t > 1000 && t % 3 == 0 {
            let forecast = series.forecast(&mut Scratch::default());
            for (covered, &quantile) in covered.iter_mut().zip(forecast.of_step(6)) {
                *covered += u32::from(values[t + 6] <= quantile);
            }
            let peak = values[t + 1..=t + 12].iter().copied().fold(f64::MIN, f64::max);
            peaks_covered += u32::from(peak <= forecast.peak(0.9).unwrap());
            count += 1;
        }
    }
    let share = |n: u32| f64::from(n) / f64::from(count);
    for (covered, level) in covered.into_iter().zip([0.1, 0.5, 0.9, 0.95]) {
        assert!((share(covered) - level).abs() < 0.05, "{level}: {}", share(covered));
    }
    assert!((share(peaks_covered) - 0.9).abs() < 0.06, "peak: {}", share(peaks_covered));
}

#[test]
fn coverage_that_slips_falls_back_and_is_said() {
    let mut rng = Pcg64Mcg::new(3);
    let quiet: Vec<f64> = (0..600).map(|_| 10.0 + rng.random::<f64>()).collect();
    let mut series = played(ModelKind::Auto, quiet);
    assert!(!series.mixture().unwrap().slipped());
    let mut level = 10.0;
    let mut slipped = false;
    for _ in 0..300 {
        level *= 1.05;
        series.push(Some(level), &mut Scratch::default());
        slipped |= series.mixture().unwrap().slipped();
    }
    assert!(slipped, "a series that keeps running away is not covered");
}

#[test]
fn readings_between_samples_change_nothing_but_the_gap() {
    let mut history = History::new(SEASON);
    history.push(Some(5.0));
    history.push(None);
    history.push(Some(f64::NAN));
    assert_eq!((history.last(), history.gap_bins(), history.age_bins()), (5.0, 2, 3));
    assert_eq!(history.back(1), 5.0);
    history.push(Some(7.0));
    assert_eq!((history.last(), history.gap_bins()), (7.0, 0));
    assert_eq!(history.season_window().len(), 2, "gaps are no samples");
}

#[test]
fn a_day_before_is_found_where_it_had_a_sample() {
    let mut history = History::new(SEASON);
    for t in 0..200 {
        history.push((t != 160).then_some(f64::from(t)));
    }
    // The last bin is 199; one step ahead is 200, a day before it 152.
    assert_eq!(history.seasonal(1, 1), Some(152.0));
    assert_eq!(history.seasonal(9, 1), None, "bin 160 had no sample");
    assert_eq!(history.seasonal(1, 2), Some(104.0));
    assert_eq!(history.seasonal(1, 5), None, "older than the series");
}

#[test]
fn a_window_that_is_full_forgets_the_oldest() {
    let mut window = SortedWindow::new(3);
    for value in [5.0, 1.0, 3.0, 2.0, f32::NAN, 9.0] {
        window.push(value);
    }
    assert_eq!(
        (window.quantile(0.0), window.quantile(0.5), window.quantile(1.0)),
        (Some(2.0), Some(3.0), Some(9.0))
    );
    assert_eq!(window.rank(3.0), 0.5);
    assert_eq!(SortedWindow::new(2).quantile(0.5), None);
}

#[test]
fn a_wide_window_is_the_sorted_end_of_what_went_in_too() {
    for capacity in [255, 256, 257, 700] {
        let mut window = SortedWindow::new(capacity);
        let values: Vec<f32> = (0..2000_u32).map(|i| (i * 7919 % 1013 / 3) as f32).collect();
        for (i, &value) in values.iter().enumerate() {
            window.push(value);
            if i % 97 == 0 {
                let mut expected = values[(i + 1).saturating_sub(capacity)..=i].to_vec();
                expected.sort_by(f32::total_cmp);
                for level in [0.0, 0.31, 0.5, 0.95, 1.0] {
                    assert_eq!(window.quantile(level), quantile_of_sorted(&expected, level), "{capacity}");
                }
                let below = expected.iter().filter(|v| **v < value).count();
                let up_to = expected.iter().filter(|v| **v <= value).count();
                assert_eq!(window.rank(value), (below + up_to) as f32 / (2 * expected.len()) as f32);
            }
        }
    }
}

#[test]
fn a_network_is_its_layers_one_after_the_other() {
    let layers = vec![5, 70, 33, 39];
    let weight = |i: usize| ((i * 7919) % 401) as f32 / 1000.0 - 0.2;
    let weights: Vec<f32> = (0..Perceptron::weight_count(&layers)).map(weight).collect();
    let network = Perceptron::new(layers.clone(), weights.clone()).unwrap();
    let (mut values, mut rest) = (vec![0.5, 0.0, -1.0, 2.0, 0.25_f32], weights.as_slice());
    for (i, pair) in layers.windows(2).enumerate() {
        let (matrix, after) = rest.split_at(pair[0] * pair[1]);
        let (bias, after) = after.split_at(pair[1]);
        rest = after;
        let of = |o: usize| {
            let sum: f32 = (0..pair[0]).map(|k| values[k] * matrix[k * pair[1] + o]).sum();
            if i + 2 < layers.len() { (sum + bias[o]).max(0.0) } else { sum + bias[o] }
        };
        values = (0..pair[1]).map(of).collect();
    }
    let mut scratch = LayerScratch::default();
    // A working space that another network has left.
    network.run(&[1.0; 5], &mut scratch);
    let answers = network.run(&[0.5, 0.0, -1.0, 2.0, 0.25], &mut scratch);
    assert_eq!(answers.len(), 39);
    for (answer, expected) in answers.iter().zip(&values) {
        assert!((answer - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{answer} {expected}");
    }
}

#[test]
fn what_is_compressed_comes_back() {
    for ratio in [0.0, 1e-9, -0.3, 1.0, -57.0, 1e6] {
        assert!((expand(compress(ratio)) - ratio).abs() <= 1e-9 * (1.0 + ratio.abs()), "{ratio}");
        assert!((compress(ratio) - ratio.asinh()).abs() < 1e-14 * (1.0 + ratio.abs().ln_1p()), "{ratio}");
    }
    assert!(compress(f64::NAN).is_nan(), "an unknown target stays unknown");
    assert!(compress(f64::MAX).is_finite() && compress(f64::MIN) < -300.0);
}

#[test]
fn one_working_space_serves_any_number_of_series() {
    let mut shared = Scratch::default();
    let kinds = [ModelKind::Auto, ModelKind::Network, ModelKind::Source, ModelKind::Auto];
    let start = || kinds.map(|kind| SeriesForecaster::new(&setup(), kind).unwrap());
    let (mut alone, mut together) = (start(), start());
    for t in 0..300_u32 {
        for (i, (one, other)) in alone.iter_mut().zip(&mut together).enumerate() {
            let value = Some(f64::from(t * (i as u32 + 3) % 29));
            one.push(value, &mut Scratch::default());
            other.push(value, &mut shared);
            assert_eq!(one.forecast(&mut Scratch::default()), other.forecast(&mut shared));
        }
    }
}

#[test]
fn a_decayed_histogram_adds_its_margin_and_halves_in_a_day() {
    let steps = steps();
    let mut histogram = DecayedHistogram::default();
    let mut history = History::new(SEASON);
    for t in 0..4 * SEASON {
        history.push(Some(if t < 2 * SEASON { 10.0 } else { 100.0 }));
        histogram.observe(&history, &steps);
    }
    // Two days at 10 weigh (1/4 of what two days later do): a fifth of the whole.
    assert!((histogram.quantile(0.15) / 11.5 - 1.0).abs() < 0.06, "{}", histogram.quantile(0.15));
    assert!((histogram.quantile(0.25) / 115.0 - 1.0).abs() < 0.06, "{}", histogram.quantile(0.25));
}

#[test]
fn levels_between_those_asked_for_are_interpolated() {
    let mut series = played(ModelKind::Naive, (0..200).map(|t| f64::from(t % 7)));
    let forecast = series.forecast(&mut Scratch::default());
    let (low, high) = (forecast.at(3, 0.5), forecast.at(3, 0.9));
    assert!((forecast.at(3, 0.7) - (low + high) / 2.0).abs() < 1e-9);
    assert_eq!(forecast.at(3, 0.99), forecast.at(3, 0.95));
    assert_eq!(forecast.at(99, 0.5), forecast.at(12, 0.5));
}

#[test]
fn steps_that_make_no_sense_are_refused() {
    for (horizon, levels) in [
        (0, vec![0.5]),
        (HORIZON_MAX + 1, vec![0.5]),
        (1, vec![]),
        (1, vec![0.5, 0.5]),
        (1, vec![0.9, 0.5]),
        (1, vec![0.0]),
        (1, vec![f64::NAN]),
    ] {
        assert!(Steps::new(horizon, false, &levels).is_err(), "{horizon} {levels:?}");
    }
    let long = Steps::new(480, false, &[0.5]).unwrap();
    assert_eq!((long.groups(), long.group_of(480), long.steps_of(47)), (48, 47, 471..=480));
    for span in 0..12 {
        assert!(!Steps::new(5, false, &[0.5]).unwrap().span(span, 12).is_empty());
    }
}

#[test]
fn a_model_without_its_network_is_refused() {
    let bare = ForecastSetup { network: None, source: None, ..setup() };
    for kind in [ModelKind::Network, ModelKind::Source] {
        assert_eq!(SeriesForecaster::new(&bare, kind).err(), Some(NotTrained(kind)));
    }
    assert!(SeriesForecaster::new(&bare, ModelKind::Auto).is_ok(), "auto does without");
}

fn anything() -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![
        5 => (0.0..100.0_f64).prop_map(Some),
        2 => Just(Some(0.0)),
        1 => Just(None),
        1 => any::<f64>().prop_map(Some),
        1 => (-1e300..1e300_f64).prop_map(Some),
    ];
    prop::collection::vec(value, 0..250)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_goes_in_quantiles_are_finite_and_ascend(values in anything(), kind in 0..MODEL_KINDS.len()) {
        let mut series = SeriesForecaster::new(&setup(), MODEL_KINDS[kind].0).unwrap();
        for value in values {
            series.push(value, &mut Scratch::default());
            let forecast = series.forecast(&mut Scratch::default());
            for quantiles in (1..=12).map(|s| forecast.of_step(s)).chain(forecast.of_peak()) {
                prop_assert!(quantiles.iter().all(|q| q.is_finite()), "{quantiles:?}");
                prop_assert!(quantiles.is_sorted(), "{quantiles:?}");
            }
        }
        let mut row = [0.0; FEATURES];
        features(series.history(), &steps(), &mut row);
        prop_assert!(row.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn a_sorted_window_is_the_sorted_end_of_what_went_in(values in prop::collection::vec(-5..5_i8, 0..60), capacity in 1..20_usize) {
        let mut window = SortedWindow::new(capacity);
        for &value in &values {
            window.push(f32::from(value));
        }
        let mut expected: Vec<f32> = values.iter().rev().take(capacity).map(|&v| f32::from(v)).collect();
        expected.sort_by(f32::total_cmp);
        for level in [0.0, 0.3, 0.5, 1.0] {
            prop_assert_eq!(window.quantile(level), quantile_of_sorted(&expected, level));
        }
    }

    #[test]
    fn what_is_kept_from_bin_to_bin_equals_what_a_batch_gives(values in prop::collection::vec(prop::option::weighted(0.9, 0.0..50.0_f64), 100..400)) {
        let mut history = History::new(SEASON);
        for &value in &values {
            history.push(value);
        }
        let mut carried = Vec::new();
        for value in &values {
            carried.push(value.or(carried.last().copied().flatten()));
        }
        for back in 0..carried.iter().flatten().count().min(7 * SEASON) {
            let expected = carried[carried.len() - 1 - back].unwrap_or(0.0);
            prop_assert!((history.back(back) - expected).abs() <= 1e-5);
        }
        let day: Vec<f64> = values.iter().flatten().rev().take(SEASON.max(MIDDLE_BINS)).copied().collect();
        let mut sorted: Vec<f32> = day.iter().map(|&v| v as f32).collect();
        sorted.sort_by(f32::total_cmp);
        prop_assert_eq!(history.season_window().quantile(0.9), quantile_of_sorted(&sorted, 0.9));
        let (low, high) = history.range();
        let week: Vec<f64> = carried.iter().rev().take(7 * SEASON).flatten().copied().collect();
        prop_assert!(week.iter().all(|v| *v >= low - 1e-4 && *v <= high + 1e-4));
    }

    #[test]
    fn a_fitted_forecast_is_read_back_or_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let fitted = FittedForecast { setup: setup(), period_seconds: 300, command: "lepton forecast".into(), trained_on: "made".into() };
        let bytes = fitted.to_bytes();
        let read = FittedForecast::from_bytes(&bytes);
        prop_assert_eq!(read.as_ref(), Ok(&fitted));
        prop_assert!(FittedForecast::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
        let mut damaged = bytes;
        let at = at.index(damaged.len());
        damaged[at] ^= 1_u8 << bit;
        prop_assert_ne!(FittedForecast::from_bytes(&damaged).ok(), Some(fitted));
    }
}
