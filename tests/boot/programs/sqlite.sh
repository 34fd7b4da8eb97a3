# SPDX-License-Identifier: MIT
# A database: B-trees, sorting, aggregates, a full integrity check.
rows=$((QUICK ? 3000 : 100000))
sqlite3 base.db <<SQL
PRAGMA page_size = 1024;
CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT $rows)
INSERT INTO t SELECT i, (i * 7919) % 10007, printf('%x-%s', i * 31337 % 65521,
    hex(i * i)), sqrt(i) * sin(i) FROM n;
CREATE INDEX tb ON t (b);
CREATE INDEX tac ON t (a, c);
UPDATE t SET c = c * 2, b = b || '+' WHERE a % 3 = 0;
DELETE FROM t WHERE a % 17 = 5;
SELECT count(*), sum(a), total(c), min(b), max(b) FROM t;
SELECT a % 10, count(*), printf('%.12g', avg(c)), group_concat(b, '/')
    FROM t WHERE id < 400 GROUP BY 1 ORDER BY 2 DESC, 1;
SELECT x.b, y.c FROM t x JOIN t y ON x.a = y.a AND x.id < y.id
    ORDER BY y.c DESC, x.b LIMIT 25;
VACUUM;
PRAGMA integrity_check;
SQL
sqlite3 base.db .dump | sha256sum
