# SPDX-License-Identifier: MIT
"""From times to ratios: medians of the ratios of each round."""
import math
import statistics


def mean(values):
    """The geometric one."""
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


class Results:
    """What the rounds gave.  times[name][machine] is one number a round, None
    where there was none."""

    def __init__(self, machines):
        self.machines = machines
        self.times = {}
        self.sums = {}
        self.wrong = []

    def add(self, name, machine, value):
        self.times.setdefault(name, {}).setdefault(machine, []).append(value)

    def add_sum(self, name, machine, checksum):
        if self.sums.setdefault(name, checksum) != checksum:
            self.fail(name, machine, "its result differs")

    def fail(self, name, machine, reason):
        self.wrong.append("%s on %s: %s" % (name, machine, reason))

    def median(self, name, machine):
        values = [v for v in self.times.get(name, {}).get(machine, [])
                  if v is not None]
        return statistics.median(values) if values else None

    def ratio(self, name, over, under, under_name=None):
        """Median over the rounds of over's time by under's."""
        a = self.times.get(name, {}).get(over, [])
        b = self.times.get(under_name or name, {}).get(under, [])
        both = [x / y for x, y in zip(a, b) if x and y]
        return statistics.median(both) if both else None

    def class_ratio(self, programs, over, under):
        ratios = [self.ratio(p, over, under) for p in programs]
        return None if None in ratios else mean(ratios)


def pairs(machines):
    """The ratios worth a column: to native, to QEMU, old to new."""
    emulators = [m for m in machines if m != "native"]
    ours = [m for m in emulators if m != "qemu"]
    found = [(m, "native") for m in emulators]
    if "qemu" in emulators:
        found += [("qemu", m) for m in ours]
    return found + [(ours[0], m) for m in ours[1:]]


def cell(value, form="%.2f"):
    return form % value if value is not None else "-"


def class_table(results, classes, columns):
    """Rows of text: each program, then its class's mean, then all."""
    means = []
    for name, programs in classes.items():
        for program in programs:
            yield (["  " + program, cell(results.median(program, "native"),
                                         "%.3f")] +
                   [cell(results.ratio(program, *c)) for c in columns])
        means.append([results.class_ratio(programs, *c) for c in columns])
        yield [name, ""] + [cell(v) for v in means[-1]]
    if means:
        yield ["geometric mean", ""] + [
            cell(mean(v) if None not in v else None) for v in zip(*means)]


def other_table(results):
    """Rows of what is no slowdown, a column a machine."""
    for name in results.times:
        if name.startswith("boot-"):
            yield [name + ", CPU s"] + [cell(results.median(name, m))
                                        for m in results.machines]
        if name.startswith("beside-ram-"):
            yield [name + ", MiB"] + [cell(results.median(name, m), "%.0f")
                                      for m in results.machines]
    if "threads-2" in results.times:
        yield ["2 threads / 1, work"] + [
            cell(scaling(results, m)) for m in results.machines]
        yield ["8 vCPUs / 2, work"] + [
            cell(results.ratio("threads-2", m, m, "threads-8"))
            for m in results.machines]
    if "pipe-busy" in results.times:
        yield ["busy pipe / pipe, time"] + [
            cell(results.ratio("pipe-busy", m, m, "pipe-free"))
            for m in results.machines]


def scaling(results, machine):
    ratio = results.ratio("threads-1", machine, machine, "threads-2")
    return ratio and 2 * ratio


def print_table(head, rows):
    print("%-24s" % head[0] + "".join("%16s" % h for h in head[1:]))
    for row in rows:
        print("%-24s" % row[0] + "".join("%16s" % c for c in row[1:]))
    print()


def print_report(results, classes):
    columns = pairs(results.machines)
    if classes:
        print_table(["", "native s"] + ["%s/%s" % c for c in columns],
                    class_table(results, classes, columns))
    print_table([""] + results.machines, other_table(results))
    for reason in results.wrong:
        print("WRONG: " + reason)


def as_json(results, classes, about):
    columns = pairs(results.machines)
    by_class = {name: {"%s/%s" % c: results.class_ratio(programs, *c)
                       for c in columns}
                for name, programs in classes.items()}
    return {
        "about": about,
        "classes": by_class,
        "mean": {c: mean(v) if None not in v else None for c, v in (
            (c, [by_class[n][c] for n in by_class])
            for c in ("%s/%s" % c for c in columns)) if v},
        "programs": {p: {"%s/%s" % c: results.ratio(p, *c) for c in columns}
                     for programs in classes.values() for p in programs},
        "others": {row[0]: dict(zip(results.machines, row[1:]))
                   for row in other_table(results)},
        "times": results.times,
        "wrong": results.wrong,
    }
