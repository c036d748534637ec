from training.progress import Look, Progress

CURVE = [Look(10, 0.5, 1.0), Look(20, 0.7, 0.9), Look(30, 0.8, 0.9), Look(40, 0.8, 0.9), Look(50, 0.9, 1.1)]


def test_the_best_look_has_the_lowest_loss_then_the_highest_f1_then_comes_first():
    assert Progress("key", curve=CURVE).best == CURVE[2]
    assert Progress("key").best is None


def test_stalls_after_patience_looks_without_a_better_one():
    progress = Progress("key", curve=CURVE)
    assert progress.stalled(2)
    assert not progress.stalled(3)
    assert not Progress("key").stalled(1)
