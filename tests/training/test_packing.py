import pytest
import torch

from training.packing import ROW, pack


def test_texts_share_a_row_longest_first():
    batch = pack([[5, 6], [7, 8, 9], [4]], pad_id=0)
    assert batch.input_ids.tolist() == [[7, 8, 9, 5, 6, 4]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 0, 1, 0]]
    assert batch.owner.tolist() == [[1, 1, 1, 0, 0, 2]]
    assert batch.starts.tolist() == [3, 0, 5]


def test_the_mask_keeps_texts_apart():
    mask = pack([[5, 6], [7]], pad_id=0).inputs()["attention_mask"]
    assert mask.tolist() == [[[[True, True, False], [True, True, False], [False, False, True]]]]


def test_rows_are_bounded_and_balanced():
    batch = pack([[1] * 100] * 12, pad_id=0)
    assert batch.input_ids.shape == (3, 400)
    assert batch.input_ids.shape[1] <= ROW
    assert torch.bincount(batch.owner.flatten()).tolist() == [100] * 12


def test_a_text_longer_than_a_row_widens_it():
    batch = pack([[1] * 900, [2] * 900, [3] * 20], pad_id=0)
    assert batch.input_ids.shape == (3, 900)


def test_one_text_a_row_is_the_usual_padding():
    batch = pack([[5, 6, 7], [8]], pad_id=9, shared_rows=False)
    assert batch.plain_inputs()["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert batch.plain_inputs()["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("shared_rows", [True, False])
def test_first_and_mean_of_each_text(shared_rows: bool):
    batch = pack([[5, 6], [7, 8, 9], [4]], pad_id=0, shared_rows=shared_rows)
    hidden = batch.input_ids[..., None].repeat(1, 1, 2).float()
    assert batch.first(hidden).tolist() == [[5, 5], [7, 7], [4, 4]]
    assert batch.mean(hidden).tolist() == [[5.5, 5.5], [8, 8], [4, 4]]
