/** The third part of the script `slots-sync`: grants what is free, and sheds where too many wait. Leaves `told`. */
export const SLOTS_GRANT = `
-- A class that is owed a whole slot, else the best that waits. What is added up in tenths is never quite one.
local owed, ALMOST = meta[10] and cmsgpack.unpack(meta[10]) or { 0, 0, 0, 0 }, 0.000000001
local turnOf = function(wanted)
  local best, due = -1, -1
  for at = 1, 4 do
    if wanted[at] <= 0 then
      owed[at] = 0
    else
      best = at - 1
      if owed[at] > 1 - ALMOST and (due < 0 or owed[at] > owed[due + 1]) then due = at - 1 end
    end
  end
  if due < 0 then return best, huge end
  return due, owed[due + 1] + ALMOST
end
local wantedOf = function(deaf)
  local wanted = { 0, 0, 0, 0 }
  for name in pairs(sessions) do
    if not deaf[name] then
      local list = demandOf(name)
      for at = 1, #list, 6 do wanted[list[at] + 1] = wanted[list[at] + 1] + list[at + 4] end
    end
  end
  return wanted
end

-- Who is next: the best class, or each by its share; in strict order whoever has waited longest; else the tenant that was
-- served least by weight, at the instance that holds least.
-- Lines below 0 are several tenants together; 1 to 4 are the classes.
local deaf, tags, competed = {}, nil, false
local tagOf = function(line, class) return (line + 9) * 4 + class + 5 end
local pick = function(class)
  if class < 0 then return end
  local chosen, place, since, tag, line, held, first, competes
  for name, each in pairs(sessions) do
    if not deaf[name] and (each.p == class or (shares and each.p > class)) then
      if strict then
        if not chosen or each.s < since or (each.s == since and name < chosen) then chosen, since = name, each.s end
      else
        local list, mine = demandOf(name), each.g - each.r
        for at = 1, #list, 6 do
          if list[at] < class then break end
          local its = list[at + 1]
          if list[at] == class and list[at + 4] > 0 then
            first = first or its
            if its ~= first then competes = true end
            local virtual = max(tags[tagOf(its, class)] or 0, tags[class + 1] or 0)
            local before = not chosen or virtual < tag
            if not before and virtual == tag then
              before = its < line
              if its == line then
                before = mine < held
                -- Not the name: one that gives back and asks again in one report would always be before the other.
                if mine == held then
                  before = list[at + 5] < since or (list[at + 5] == since and name < chosen)
                end
              end
            end
            if before then chosen, place, tag, line, held, since = name, at, virtual, its, mine, list[at + 5] end
          end
        end
      end
    end
  end
  return chosen, place or starts[chosen] or 1, tag, competes
end

local free = now >= learn and limit - used or 0
local again = free > 0
while again do
  again = false
  tags = tags or (meta[9] and cmsgpack.unpack(meta[9])) or {}
  local gains, several = {}, 0
  for name, each in pairs(sessions) do if each.p >= 0 and not deaf[name] then several = several + 1 end end
  while free > 0 do
    local due, most, wanted = -1, huge, nil
    if shares then
      wanted = wantedOf(deaf)
      due, most = turnOf(wanted)
    else
      for name, each in pairs(sessions) do if each.p > due and not deaf[name] then due = each.p end end
    end
    local name, at, tag, competes = pick(due)
    if not name then break end
    local each, list = sessions[name], demandOf(name)
    local class, line, weight, cost = list[at], list[at + 1], list[at + 2], list[at + 3]
    -- What is free is kept for it: else the small ones would keep the large one out for ever.
    if cost > free then
      free = 0
      break
    end
    -- Not one by one where there is much: a part of it each time evens out as well.
    local some = strict and 1 or max(1, min(list[at + 4], floor(min(free / cost / (2 * several), most / cost))))
    local mixed = false
    if shares then
      for each = 1, 4 do
        if wanted[each] > 0 then
          owed[each] = owed[each] + shares[each] * cost * some
          mixed = mixed or each ~= class + 1
        end
      end
      -- A wide one takes at once what it is owed by and by; what nobody was owed costs nothing.
      owed[class + 1] = max(min(0, 1 - cost), owed[class + 1] - cost * some)
    end
    local gain = gains[name] or { each.g, #each.u }
    gains[name] = gain
    each.g = each.g + cost * some
    used = used + cost * some
    free = free - cost * some
    take(each, list, at, some)
    if competes then
      competed = true
      tags[class + 1] = tag
      tags[tagOf(line, class)] = tag + cost * some / weight
    end
    local u, last = each.u, #each.u - 4
    if strict and last > gain[2] and u[last + 1] == class and u[last + 4] == cost then
      u[last], u[last + 2], u[last + 3] = each.g, max(u[last + 2], line), u[last + 3] + 1
    elseif strict or competes or mixed then
      for _, value in ipairs({ each.g, class, line, some, cost }) do u[#u + 1] = value end
    end
    if strict then
      advance(name)
    elseif list[at + 4] > 0 then
      changed[name], dirty[name] = true, true
    else
      settle(name)
    end
  end
  if next(gains) then
    rank()
    count()
    for name, gain in pairs(gains) do
      local each, before = sessions[name], sessions[name].f
      fence = max(fence + 1, floor(now) * 4096)
      each.f = fence
      if name ~= me and say(name, each, NONE) == 0 then
        -- Nobody there to hear it: taken back, and given to somebody else.
        used = used - each.g + gain[1]
        free = free + each.g - gain[1]
        each.g, each.f = gain[1], before
        while #each.u > gain[2] do each.u[#each.u] = nil end
        deaf[name] = true
        again = true
      end
    end
  end
end
if competed then
  local size = 0
  for key, tag in pairs(tags) do
    if key < 1 or key > 4 then
      if tag <= (tags[(key - 5) % 4 + 1] or 0) then tags[key] = nil else size = size + 1 end
    end
  end
  if size > TENANTS then tags = { tags[1], tags[2], tags[3], tags[4] } end
  keep('tags', cmsgpack.pack(tags))
end
if shares then keep('owed', cmsgpack.pack(owed)) end
if own and free > 0 and spare > 0 then
  own.g = own.g + min(free, spare)
  used = used + min(free, spare)
  fence = max(fence + 1, floor(now) * 4096)
  own.f = fence
end

-- Too many wait everywhere: the least important go, or those of the class furthest beyond its share of the places; those
-- of the caller first.
count()
local told = {}
if queue > 0 and queued > queue then
  local over, names = queued - queue, {}
  for name in pairs(sessions) do if name ~= sid then names[#names + 1] = name end end
  table.sort(names)
  if sessions[sid] then table.insert(names, 1, sid) end
  local goes, here = { 0, 0, 0, 0 }, { unpack(waiting) }
  while over > 0 do
    local widest, most = nil, -huge
    for at = 1, 4 do
      local beyond = shares and here[at] - shares[at] * queue or -at
      if here[at] > 0 and beyond > most then widest, most = at, beyond end
    end
    here[widest], goes[widest], over = here[widest] - 1, goes[widest] + 1, over - 1
  end
  for class = 0, 3 do
    over = goes[class + 1]
    for _, name in ipairs(names) do
      local each = sessions[name]
      local some = min(over, each.w[class + 1])
      if some > 0 then
        each.w[class + 1] = each.w[class + 1] - some
        over = over - some
        told[name] = told[name] or { 0, 0, 0, 0 }
        told[name][class + 1] = some
        local list, rest = demandOf(name), -each.w[class + 1]
        for at = starts[name] or 1, #list, 6 do if list[at] == class then rest = rest + list[at + 4] end end
        for at = #list - 5, starts[name] or 1, -6 do
          if list[at] == class and rest > 0 then
            local less = min(rest, list[at + 4])
            list[at + 4] = list[at + 4] - less
            rest = rest - less
          end
        end
        settle(name)
      end
    end
  end
  count()
end

`
