//! What others have found on the instances of set A (ROADEF/EURO challenge 2012).

/// Published and measured results on an instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) instance: &'static str,
    /// Mean cost of the challenge's winner after 300 s on two cores.
    pub(crate) winner_mean: u64,
    pub(crate) best_known: u64,
    /// What the programs of teams S41 (the winner) and J33 find in 60 s on two threads of a quiet machine.
    pub(crate) programs: Option<[u64; 2]>,
}

const fn row(
    instance: &'static str,
    winner_mean: u64,
    best_known: u64,
    programs: Option<[u64; 2]>,
) -> Published {
    Published { instance, winner_mean, best_known, programs }
}

/// Set A.
pub(crate) const PUBLISHED: [Published; 10] = [
    row("a1_1", 44_306_501, 44_306_501, None),
    row("a1_2", 778_142_261, 777_531_842, None),
    row("a1_3", 583_006_320, 583_005_717, None),
    row("a1_4", 259_815_285, 245_421_266, Some([263_330_189, 256_420_027])),
    row("a1_5", 727_578_311, 727_578_309, None),
    row("a2_1", 333, 167, None),
    row("a2_2", 740_140_535, 707_237_541, Some([756_757_072, 977_410_747])),
    row("a2_3", 1_210_207_120, 1_182_260_491, Some([1_219_337_750, 1_418_268_382])),
    row("a2_4", 1_680_629_156, 1_680_542_520, None),
    row("a2_5", 317_804_454, 309_714_522, Some([326_537_854, 450_742_965])),
];

/// The row of an instance, where it has one.
pub(crate) fn published(instance: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|p| p.instance == instance)
}
