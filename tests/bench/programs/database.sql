-- SPDX-License-Identifier: MIT
-- Tables and indices in memory: inserts, joins, groups, updates.
CREATE TABLE item(id INTEGER PRIMARY KEY, owner INTEGER, name TEXT, price REAL);
CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO owner SELECT i, 'owner ' || (i * 7919 % 2003) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
INSERT INTO item SELECT i, i * 48271 % 2000 + 1, 'item ' || (i * 16807 % 60013),
    (i * 69621 % 9973) / 7.0 FROM n;
COMMIT;
CREATE INDEX item_name ON item(name);
CREATE INDEX item_owner ON item(owner);
SELECT count(*), round(sum(price), 3) FROM item WHERE name LIKE 'item 12%';
SELECT owner.name, count(*), round(sum(item.price), 3) AS total
    FROM item JOIN owner ON owner.id = item.owner
    GROUP BY owner.name ORDER BY total DESC LIMIT 10;
UPDATE item SET price = price * 1.5 WHERE owner % 3 = 0;
DELETE FROM item WHERE id % 5 = 0;
SELECT count(DISTINCT name), round(avg(price), 6) FROM item;
SELECT a.id, b.id FROM item a JOIN item b ON b.name = 'item ' || a.id
    WHERE a.id < 5000 ORDER BY b.id LIMIT 10;
