use super::*;

/// The source's worked example: 3 nodes, L = 100, R = 200, I = 20 each, C = 10, 20, 30.
#[test]
fn even_share_gives_the_worked_example_and_chooses_node_3() {
    let f: Vec<f64> = [20.0, 20.0, 20.0].iter().map(|&i| even_share_of_load(100.0, i, 3)).collect();
    let g: Vec<f64> = [10.0, 20.0, 30.0].iter().map(|&c| even_share_of_resources(200.0, c, 3)).collect();
    let rounded = |v: &[f64]| v.iter().map(|x| format!("{x:.2}")).collect::<Vec<_>>();
    assert_eq!(rounded(&f), ["40.00", "40.00", "40.00"]);
    assert_eq!(rounded(&g), ["70.00", "73.33", "76.67"]);
    let least = (0..3).min_by(|&a, &b| (f[a] - g[a]).total_cmp(&(f[b] - g[b])));
    assert_eq!(least, Some(2), "node 3, counted from zero");
}
