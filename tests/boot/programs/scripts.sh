# SPDX-License-Identifier: MIT
# Interpreters, and compilers that make their code at run time.
cat >program.js <<'JS'
const crypto = require("crypto");
function sieve(n) {
  const marks = new Uint8Array(n + 1), primes = [];
  for (let i = 2; i <= n; i++) {
    if (marks[i]) continue;
    primes.push(i);
    for (let j = i * i; j <= n; j += i) marks[j] = 1;
  }
  return primes;
}
function life(n, rounds) {
  let grid = Array.from({ length: n * n }, (_, i) => (i * i + 3) % 7 < 3);
  for (let r = 0; r < rounds; r++) {
    grid = grid.map((on, i) => {
      let k = 0;
      for (const d of [-n - 1, -n, 1 - n, -1, 1, n - 1, n, n + 1])
        k += grid[(i + d + n * n) % (n * n)];
      return k === 3 || (on && k === 2);
    });
  }
  return grid.map(Number).join("");
}
const sum = (x) => crypto.createHash("sha256").update(String(x)).digest("hex");
console.log("sieve", sum(sieve(300000)));
console.log("life", sum(life(60, 60)));
let x = 0.1;
for (let i = 0; i < 2e6; i++) x = 3.99 * x * (1 - x);
console.log("chaos", x);
let big = 1n;
for (let i = 1n; i < 900n; i++) big *= i;
console.log("bigint", sum(big));
console.log("json", sum(JSON.stringify(sieve(20000).map((p) => ({ [p]: p / 3 })))));
console.log("regexp", sum("abcde".repeat(5000).replace(/(b)(c|d)+/g, "<$2$1>")));
console.log("eval", eval(
  "(function(n){let s=0;for(let i=0;i<n;i++)s=(s*31+i)|0;return s})(1e6)"));
JS
node program.js
node --jitless program.js
cat >program.lua <<'LUA'
local bit = require("bit")
local function mix(n)
  local h = 17
  for i = 1, n do h = bit.tobit(bit.bxor(bit.rol(h, 5), i * 31)) end
  return h
end
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
local t = {}
for i = 1, 50000 do t[i] = string.format("%x", bit.tobit(i * 2654435761)) end
table.sort(t)
local s = 0
for i = 1, 3e6 do s = s + math.sin(i) / i end
print(mix(3e6), fib(24), t[1], t[#t], table.concat(t):gsub("a+", ""):len())
print(string.format("%.17g %.17g", s, 2 ^ 0.5))
LUA
luajit program.lua
luajit -joff program.lua
gawk 'BEGIN {
    for (i = 0; i < 50000; i++) {
        x = sprintf("%.6f", sin(i) * exp(i % 9))
        n[substr(x, 3, 2)]++
        gsub(/[13]+/, "-", x)
        s += length(x) * (i % 13)
    }
    PROCINFO["sorted_in"] = "@ind_str_asc"
    for (k in n)
        printf "%s=%d ", k, n[k]
    print s
}'
echo 'scale=300; 4*a(1); e(3); sqrt(2); 7^901 % 10^40' | bc -l
