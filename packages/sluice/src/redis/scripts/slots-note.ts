/**
 * The second part of the script `slots-sync`: takes a report as the state of things, and says who competes with whom.
 * Leaves `take`, `settle`, `advance`, `count`, `rank`, `rivalOf`, `untilOf`, `newsOf` and `say`.
 */
export const SLOTS_NOTE = `
-- Demand: class, line, weight, cost, count, since; only what is still wanted.
local demandOf = function(name)
  local list = demands[name]
  if not list then
    list = packed[name] and cmsgpack.unpack(packed[name]) or {}
    demands[name] = list
  end
  return list
end
-- Where the list of a session begins by now: in strict order those who are served are always its first.
local changed, starts = {}, {}
local settle = function(name)
  local each, list = sessions[name], demandOf(name)
  each.p, each.o, each.x = -1, huge, false
  if starts[name] then
    list = { unpack(list, starts[name]) }
    demands[name], starts[name] = list, nil
  end
  local at, count = 1, #list
  while at <= count do
    if list[at + 4] <= 0 then
      for old = at, count do list[old] = list[old + 6] end
      count = count - 6
    else
      if each.p < 0 then
        each.p, each.i, each.s = list[at], list[at + 1], list[at + 5]
      end
      if list[at] == each.p and (list[at + 3] > 1 or list[at + 1] ~= each.i) then each.x = true end
      each.o = min(each.o, list[at + 5])
      at = at + 6
    end
  end
  changed[name] = true
  dirty[name] = true
end
local take = function(each, list, at, count)
  list[at + 4] = list[at + 4] - count
  each.w[list[at] + 1] = max(0, each.w[list[at] + 1] - count)
end

local advance = function(name)
  local each, list = sessions[name], demandOf(name)
  local at = (starts[name] or 1) + 6
  starts[name] = at
  changed[name], dirty[name] = true, true
  if at > #list then
    each.p, each.o = -1, huge
  else
    each.p, each.i, each.s, each.o = list[at], list[at + 1], list[at + 5], list[at + 5]
  end
end

if own and status ~= 3 and seq > own.q then
  own.q = seq
  own.e = now + lease
  own.w = { said[11], said[12], said[13], said[14] }
  spare = said[15]
  local list, size = {}, 0
  for at = 16, #said, 6 do
    if strict then own.k = max(own.k, said[at + 1]) end
    -- What can never be granted must not stand in the way.
    if said[at + 3] <= limit and said[at + 4] > 0 then
      list[size + 1], list[size + 2], list[size + 3] = said[at], said[at + 1], said[at + 2]
      list[size + 4], list[size + 5], list[size + 6] = said[at + 3], said[at + 4], now - said[at + 5]
      size = size + 6
    end
  end
  demands[sid] = list
  -- What was granted to it and it did not know yet has found its waiters by now.
  local served, turns = life == 0 and 0 or own.g - granted, {}
  for turn = 1, #own.u, 5 do
    if own.u[turn] > granted then
      local class, line, count, cost = own.u[turn + 1], own.u[turn + 2], own.u[turn + 3], own.u[turn + 4]
      for at = 0, 4 do turns[#turns + 1] = own.u[turn + at] end
      served = served - cost * count
      -- Of several that were granted together it may have heard of some, and somebody better has got those.
      local rest = min(count, ceil((own.u[turn] - granted) / cost))
      for at = 1, size, 6 do
        local same = strict and list[at + 1] <= line or not strict and list[at + 1] == line and list[at + 3] == cost
        if list[at] == class and same then
          local some = min(rest, list[at + 4])
          rest = rest - some
          take(own, list, at, some)
        end
      end
    end
  end
  own.u = turns
  if not strict then
    for at = 1, size, 6 do
      local some = min(list[at + 4], floor(served / list[at + 3]))
      if some > 0 then
        served = served - some * list[at + 3]
        take(own, list, at, some)
      elseif list[at + 4] > 0 then
        break
      end
    end
  end
  settle(sid)
else
  spare = 0
end
if own then dirty[sid] = true end
if own and leaves then
  used = used - own.g + own.r
  sessions[sid] = nil
  gone[#gone + 1] = sid
  own = nil
end

-- Whom this answers, and who therefore need not be told by a message: not one whose registration is another.
local me = own and sid
local queued, waiting = 0, { 0, 0, 0, 0 }
local count = function()
  queued, waiting = 0, { 0, 0, 0, 0 }
  for _, each in pairs(sessions) do
    for at = 1, 4 do waiting[at] = waiting[at] + each.w[at] end
  end
  queued = waiting[1] + waiting[2] + waiting[3] + waiting[4]
end

-- Who waits where, so that each knows what it competes with: the first of all, and the first of all others.
local top, topSince, topName, second, secondSince, secondName, fair
local rank = function()
  top, topSince, topName, second, secondSince, secondName, fair = -1, 0, '', -1, 0, '', 0
  local best, only, mixed = {}, nil, false
  for name, each in pairs(sessions) do
    local class = -1
    for at = 1, 4 do
      if each.w[at] > 0 then
        if only and only ~= at then mixed = true end
        only = at
      end
    end
    for at = 4, 1, -1 do if each.w[at] > 0 then class = at - 1 break end end
    best[name] = class
    if class >= 0 then
      -- Of one that is not named nobody knows how long it has been waiting.
      local since = strict and (each.p == class and each.s or -huge) or 0
      if class > top or (class == top and (since < topSince or (since == topSince and name < topName))) then
        second, secondSince, secondName = top, topSince, topName
        top, topSince, topName = class, since, name
      elseif class > second or (class == second and (since < secondSince or (since == secondSince and name < secondName))) then
        second, secondSince, secondName = class, since, name
      end
    end
  end
  if strict then return end
  -- A part of what is left by those who do not wait in the best class, and by those who hold more than an equal part:
  -- a better class of theirs may never let go of it.
  local left, rivals, over, extra = limit, 0, 0, 0
  for name, each in pairs(sessions) do
    if top >= 0 and best[name] == top then rivals = rivals + 1 else left = left - each.g + each.r end
  end
  local equal = floor(max(0, left) / max(1, rivals))
  for name, each in pairs(sessions) do
    if top >= 0 and best[name] == top and each.g - each.r > equal then
      over, extra = over + 1, extra + each.g - each.r
    end
  end
  fair = over == rivals and equal or floor(max(0, left - extra) / (rivals - over))
  local line
  for _, each in pairs(sessions) do
    if each.p == top and top >= 0 then
      line = line or each.i
      -- Tenants compete, or somebody needs several at once: nothing is used again at home.
      if each.x or each.i ~= line then fair = -1 end
    end
  end
  -- So do classes, where each is sure of a share.
  if shares and mixed then fair = -1 end
end
local rivalOf = function(name)
  if name == topName then return second, secondSince, secondName end
  return top, topSince, topName
end
local untilOf = function(name)
  local class, since, rival = rivalOf(name)
  local last = 0
  if not strict or class < 0 then return last end
  local list = demandOf(name)
  for at = starts[name] or 1, #list, 6 do
    local mine = list[at + 5]
    if list[at] == class then
      if mine > since or (mine == since and name > rival) then break end
      last = max(last, list[at + 1])
    end
  end
  return last
end

local level, levelAt = 0, 0
if meta[8] then
  level, levelAt = string.match(meta[8], '(%d+) ([%d.]+)')
  level, levelAt = tonumber(level), tonumber(levelAt)
end
local newsOf = function(name, each, shed)
  each.tf, each.ts = rivalOf(name)
  each.ta, each.tu = fair, untilOf(name)
  each.n = each.n + 1
  dirty[name] = true
  local news = format('%.0f,%d,%d,%.0f,%d,%d,%d,%d,%d,%d,%d,%d,%d,%.0f,%.0f', each.l, each.n, each.g, each.f, each.tf,
    fair, shed[1], shed[2], shed[3], shed[4], level, used, queued, each.tu, each.k)
  for at = 1, #each.u, 5 do
    news = news .. format(',%.0f,%d,%.0f,%d', each.u[at], each.u[at + 1], each.u[at + 2], each.u[at + 3])
  end
  return news
end
local NONE = { 0, 0, 0, 0 }
local say = function(name, each, shed)
  return redis.call('SPUBLISH', KEYS[3] .. ':' .. name, '[' .. newsOf(name, each, shed) .. ']')
end

`
