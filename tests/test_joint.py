"""helpers.joint: all of one data set and a fresh draw of the other, the same for the same seed and epoch."""
from helpers.joint import JointDataset

import pytest
from paddle.io import Dataset


class Numbers(Dataset):
    """The numbers from `start`, and the epoch that they were asked in."""

    def __init__(self, start, count):
        super().__init__()
        self.start, self.count, self.epoch = start, count, None

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.start + index, self.epoch


def items(joint, epoch):
    joint.set_epoch(epoch)
    return [joint[index] for index in range(len(joint))]


def test_all_of_the_one_and_others_of_the_other_in_each_epoch():
    joint = JointDataset(Numbers(0, 5), Numbers(100, 40), 8, seed=1)
    assert len(joint) == 13
    first, second = items(joint, 0), items(joint, 1)
    assert first[:5] == [(n, 0) for n in range(5)] and second[:5] == [(n, 1) for n in range(5)]
    drawn = [number for number, _ in first[5:]]
    assert len(set(drawn)) == 8 and set(drawn) <= set(range(100, 140))
    assert {number for number, _ in second[5:]} != set(drawn)
    assert items(joint, 0) == first
    assert items(JointDataset(Numbers(0, 5), Numbers(100, 40), 8, seed=2), 0) != first


def test_it_does_not_draw_more_than_there_is():
    with pytest.raises(ValueError, match="cannot draw 9 items of 8"):
        JointDataset(Numbers(0, 5), Numbers(0, 8), 9)
