"""A second implementation of streams and their states: plain Python, written from docs/state.md alone."""

import functools
import itertools
import math

import numpy as np

from orders import layout_of, order, parts_order


def marked(items):
    """Each item, and whether it is the last."""
    items = iter(items)
    for item in items:
        for after in items:
            yield item, False
            item = after
        yield item, True


class Stream:
    """A pipeline over a dataset whose parts have so many records: `steps` are (name, argument) from the source outward, (batch, n, remainder) last.

    A place is a state's numbers: the steps' counts from the outermost to the innermost, epoch, position.
    """

    def __init__(self, parts, steps, state, rank, shards, drop=False):
        length = sum(parts)
        self.steps, self.state, self.drop = steps, state, drop
        node, self.place = state["node"], ()
        while node["kind"] == "step":
            node, self.place = node["input"], (*self.place, node["count"])
        self.place += (node["epoch"], node["position"])
        own = node["order"]["shardBeforeShuffle"]
        self.first, self.every = own or (0, 1)
        self.length = (length // self.every if drop else len(range(self.first, length, self.every))) if own else length
        self.rank, self.shards, self.world = (0, 1, shards) if own else (rank, shards, shards)
        self.order = node["order"]
        self.orders = functools.cache(lambda epoch: order(self.order["algorithm"], self.length, self.order["seed"], epoch))
        if self.order["algorithm"] == "parts":
            assert self.order["layout"] == layout_of(parts), f"{self.order} is of another layout than {parts}"
            self.orders = functools.cache(lambda epoch: parts_order(parts, self.order["window"], self.order["seed"], epoch))
        if next(self.all(self.steps, self.place), None) is None:  # an end: the beginning of the next iteration
            self.place = (*[0] * len(steps), self.place[-2] + 1, 0)

    def indices(self, places):
        found = []
        for epoch, group in itertools.groupby(places, key=lambda place: place[0]):
            positions = np.array([position for _, position in group])
            found += (self.first + self.every * self.orders(epoch if self.order["reshuffle"] else 0)(positions)).tolist()
        return found

    def all(self, steps, place):
        """A pass of the steps for all shards: outputs, each a list of (epoch, position), and the place after each."""
        if not steps:
            epoch, base = place
            end = base + (self.length - base) // self.shards * self.shards if self.drop else self.length
            yield from (([(epoch, p)], (epoch, p + 1)) for p in range(base, end))
            return
        (*inner, (name, *arguments)), (count, *below) = steps, place
        unit = 1 if any("atch" in n for n, *_ in inner) else self.shards
        if name == "repeat":
            for number in range(count, arguments[0]):
                begin = (*[0] * len(inner), below[-2] + 1, 0)
                for (output, after), last in marked(self.all(inner, below)):
                    begin = (*begin[:-2], output[-1][0] + 1, 0)
                    yield output, (number + 1, *begin) if last and number + 1 < arguments[0] else (number, *after)
                below = begin
            return
        items = self.all(inner, below)
        if name == "take":
            done = math.floor(count * unit + 0.5)
            for k, (output, after) in enumerate(itertools.islice(items, arguments[0] * unit - done), done + 1):
                yield output, (k / unit, *after)
        elif name == "skip":
            for output, after in itertools.islice(items, math.floor((arguments[0] - count) * unit + 0.5), None):
                yield output, (arguments[0], *after)
        elif name == "map":
            yield from ((output, (0, *after)) for output, after in items)
        else:
            size, remainder = arguments
            whole = size * self.shards if name == "batch" else size
            least = 1 if remainder != "drop" else whole if name == "globalBatch" else whole - self.shards + 1
            while group := list(itertools.islice(items, whole)):
                if len(group) >= least:
                    count += 1
                    yield [p for output, _ in group for p in output], (count, *group[-1][1])

    def iteration(self):
        """This rank's batches (records without a batch step) of one iteration, as indices, and the state after each."""
        items, epoch = self.all(self.steps, self.place), self.place[-2]
        name, *arguments = next((step for step in self.steps if "atch" in step[0]), ("",))
        if name == "":  # records are dealt by turns: the place after one is that after its turn
            outputs = items
            turns = iter(lambda: list(itertools.islice(outputs, self.shards)), [])
            items = (([p for output, _ in turn for p in output], turn[-1][1]) for turn in turns)
        for (output, after), last in marked(items):
            epoch = output[-1][0]
            mine = self.indices(output[self.rank :: self.shards])
            least = 0 if name == "globalBatch" or "pad" in arguments else arguments[0] if "drop" in arguments else 1
            if len(mine) >= least:
                yield mine, self.state_at((*[0] * len(self.steps), epoch + 1, 0) if last else after)
        self.place = (*[0] * len(self.steps), epoch + 1, 0)

    def state_at(self, place):
        node, counts = self.state["node"], list(place[:-2])

        def renewed(node):
            if node["kind"] == "source":
                return node | {"numShards": self.world, "epoch": place[-2], "position": place[-1]}
            return node | {"count": counts.pop(0), "input": renewed(node["input"])}

        return self.state | {"epoch": place[-2], "node": renewed(node)}
