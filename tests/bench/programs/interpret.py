# SPDX-License-Identifier: MIT
"""Objects, dictionaries, strings, calls: what scripts do."""


class Node:
    def __init__(self, key):
        self.key = key
        self.left = self.right = None

    def insert(self, key):
        side = "left" if key < self.key else "right"
        child = getattr(self, side)
        if child is None:
            setattr(self, side, Node(key))
        else:
            child.insert(key)

    def walk(self):
        if self.left:
            yield from self.left.walk()
        yield self.key
        if self.right:
            yield from self.right.walk()


def numbers(n):
    x = 12345
    for _ in range(n):
        x = (x * 1103515245 + 12345) & 0x7fffffff
        yield x


def queens(n, row=0, columns=0, up=0, down=0):
    if row == n:
        return 1
    free, count = ~(columns | up | down) & (1 << n) - 1, 0
    while free:
        bit = free & -free
        free ^= bit
        count += queens(n, row + 1, columns | bit, (up | bit) << 1,
                        (down | bit) >> 1)
    return count


tree = Node(1 << 30)
for number in numbers(15000):
    tree.insert(number)
words = {}
for number in tree.walk():
    word = "w%d" % (number % 997)
    words[word] = words.get(word, 0) + len(word)
print(queens(8) + queens(9), sum(words.values()), sorted(words)[:5])
