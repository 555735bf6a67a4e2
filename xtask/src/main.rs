//! The project's chores: `cargo xtask test | tidy | bench`.

fn main() {}
