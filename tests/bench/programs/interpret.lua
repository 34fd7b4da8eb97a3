-- SPDX-License-Identifier: MIT
-- Tables, closures, strings, calls: what scripts do.

local function queens(n)
  local columns, up, down, count = {}, {}, {}, 0
  local function place(row)
    if row > n then
      count = count + 1
      return
    end
    for c = 1, n do
      if not (columns[c] or up[row + c] or down[row - c]) then
        columns[c], up[row + c], down[row - c] = true, true, true
        place(row + 1)
        columns[c], up[row + c], down[row - c] = nil, nil, nil
      end
    end
  end
  place(1)
  return count
end

local function words(n)
  local seen, x = {}, 12345
  for _ = 1, n do
    x = (x * 1103515245 + 12345) & 0x7fffffff
    local word = "w" .. x % 997
    seen[word] = (seen[word] or 0) + #word
  end
  local sum = 0
  for _, v in pairs(seen) do
    sum = sum + v
  end
  return sum
end

print(queens(8) + queens(8), words(400000))
