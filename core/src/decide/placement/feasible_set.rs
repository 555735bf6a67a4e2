//! The nodes on which a class fits, for policies that choose among them by chance: membership, insertion,
//! removal and the i-th member in constant time.

const ABSENT: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(super) struct FeasibleSet {
    members: Vec<u32>,
    /// Per position: where it stands in `members`, or `ABSENT`.
    slot: Vec<u32>,
}

impl FeasibleSet {
    pub(super) fn new(len: usize) -> Self {
        Self { members: Vec::new(), slot: vec![ABSENT; len] }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn get(&self, i: usize) -> usize {
        self.members[i] as usize
    }

    pub(super) fn set(&mut self, position: usize, member: bool) {
        let slot = self.slot[position];
        if member && slot == ABSENT {
            self.slot[position] = self.members.len() as u32;
            self.members.push(position as u32);
        } else if !member && slot != ABSENT {
            self.members.swap_remove(slot as usize);
            if let Some(&moved) = self.members.get(slot as usize) {
                self.slot[moved as usize] = slot;
            }
            self.slot[position] = ABSENT;
        }
    }
}
