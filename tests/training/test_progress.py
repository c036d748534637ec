from training.progress import Look, Progress

CURVE = [Look(10, 0.5, 1.0, 0.3), Look(20, 0.7, 0.8, 0.1), Look(30, 0.8, 0.89, 0.2), Look(40, 0.8, 0.91, 0.2)]


def test_the_best_look_is_the_latest_within_one_standard_error_of_the_lowest_loss() -> None:
    progress = Progress("key", curve=CURVE)
    assert progress.lowest == CURVE[1]
    assert progress.best == CURVE[2]
    assert Progress("key").best is None


def test_stalls_when_all_of_the_last_looks_are_clearly_worse() -> None:
    worse = Progress("key", curve=[*CURVE, Look(50, 0.8, 0.95, 0.2)])
    assert worse.stalled(2)
    assert not worse.stalled(3)
    assert not Progress("key", curve=CURVE).stalled(2)
    assert not Progress("key").stalled(1)
