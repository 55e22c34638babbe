# SPDX-License-Identifier: GPL-2.0
import pytest

from . import boot, ktap, trace


def mark(number):
    return f"pci_cfg_write edu 00:04.0 @0x3c <- {number:#x}\n"


def invalidation(domain):
    return f"amdvi_pages_inval  pages inval addr 0x7fffffffffffffff domain {domain:#x} inval\n"


def translation(address, result):
    return f"amdvi_translation_result devid: 00:04.0 gpa {address:#x} hpa {result:#x}\n"


TEXT = (
    mark(101)
    + invalidation(0)
    + "pci_cfg_write edu 00:04.0 @0x4 <- 0x66\n"
    + mark(102)  # by dom0's own boot
    + invalidation(0) * 5
    + "pci_cfg_write xhci 00:05.0 @0x3c <- 0x65\n"
    + mark(101)
    + invalidation(0)
    + invalidation(3)
    + invalidation(3)
    + translation(0x1000, 0x5000)
    + mark(102)
    + invalidation(3)
    + mark(103)
    + translation(0x2000, 0)
    + translation(0x2004, 0)
    + translation(0x13000, 0)
    + mark(104)
)


@pytest.fixture
def seen(tmp_path):
    (tmp_path / "iommu").write_text(TEXT)
    return trace.Trace(tmp_path / "iommu")


def test_invalidations_between_the_latest_marks(seen):
    assert seen.invalidations(101, 102) == 3
    assert seen.invalidations(101, 103) == 4


def test_invalidations_of_a_domain(seen):
    assert seen.invalidations(101, 102, 3) == 2
    assert seen.invalidations(101, 102, 7) == 0


def test_faults_are_pages(seen):
    assert seen.faults(103, 104) == 2
    assert seen.faults(101, 102) == 0


def test_a_mark_that_is_not_there(seen):
    with pytest.raises(trace.Missing):
        seen.faults(103, 105)


def test_what_comes_later_is_seen(seen):
    assert seen.faults(103, 104) == 2
    with open(seen.path, "a") as f:
        f.write(mark(110) + invalidation(1)[:20])
        f.flush()
        with pytest.raises(trace.Missing):
            seen.invalidations(110, 111)
        f.write(invalidation(1)[20:] + mark(111))
    assert seen.invalidations(110, 111) == 1


def test_questions_in_a_text(seen):
    assert (
        seen.fill_in("result fill {iotlb 101 102} {iotlb 101 102 3} {faults 103 104}")
        == "result fill 3 2 2"
    )


@pytest.mark.parametrize(
    "skipped, ok, why",
    [
        ("{iotlb 101 102} 3", True, ""),
        ("{iotlb 101 102} 4", False, "3, not 4"),
        ("{iotlb 101 102 3} 2", True, ""),
        ("{faults 103 104} some", True, ""),
        ("{faults 101 102} some", False, "0, not some"),
        ("{iotlb 104 105} 0", False, "marks 104 and 105 are not in QEMU's trace"),
        ("no room", True, ""),
    ],
)
def test_what_is_left_to_the_host(seen, skipped, ok, why):
    result = boot.complete(ktap.Result(True, "name", skipped=skipped), seen)
    assert (result.ok, result.seen) == (ok, why)
