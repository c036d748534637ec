from training.order import global_batch


def test_each_epoch_holds_every_row_once():
    stream = [place for step in range(7) for place in global_batch(step, 4, rows=7, seed=3)]
    epochs = [stream[start : start + 7] for start in range(0, 28, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_a_step_depends_on_nothing_but_its_number():
    late = global_batch(100, 4, rows=7, seed=3)
    global_batch(0, 4, rows=7, seed=3)
    assert global_batch(100, 4, rows=7, seed=3) == late


def test_batches_larger_than_the_data_repeat_it():
    assert sorted(global_batch(0, 6, rows=2, seed=0)) == [0, 0, 0, 1, 1, 1]
