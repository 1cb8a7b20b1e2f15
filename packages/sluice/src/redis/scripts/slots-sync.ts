/**
 * One report of one instance about one limit, and what it is answered. All decisions are made here, on the server's
 * clock; docs/decisions/0012-shares.md says why each line is safe.
 *
 * KEYS[1] hash of the limit: v run seen fence life learn limit
 * KEYS[2] hash of its sessions: session → packed record
 *   l life · n number of the last thing said · q last report · g granted · r returned · f fence · e lease ends
 *   w waiting by class, 1 to 4 · h heads (class, arrival, …) · t what it was last told of the others
 * KEYS[3] channel of the limit; a session listens to KEYS[3]:session
 * ARGV 1 session · 2 life (0: register) · 3 seq · 4 granted, or claimed · 5 returned · 6 limit · 7 lease ms
 *   8 queue (0: unbounded) · 9 strict (0/1) · 10 leaves (0/1) · 11-14 waiting by class · 15 spare
 *   16 heads: class,age;class,age;…
 * Returns status (0 ok, 1 unknown, 2 refused, 3 stale), life, number, granted, fence, foreign, fair, shed 0-3, limit,
 *   wake, sessions, used, queued, oldest, learning (0/1); whole numbers, ms.
 * Messages: life,number,granted,fence,foreign,fair,shed0,shed1,shed2,shed3
 */
export const SLOTS_SYNC = `
local VERSION, REMEMBERED, GAP = 1, 86400000, 20
local sid, life, seq = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local granted, returned, limit, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local queue, strict, leaves = tonumber(ARGV[8]), ARGV[9] == '1', ARGV[10] == '1'
local text = function(number) return string.format('%.0f', number) end

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local meta = redis.call('HMGET', KEYS[1], 'v', 'run', 'seen', 'fence', 'life', 'learn', 'limit')
if meta[1] and tonumber(meta[1]) > VERSION then
  return redis.error_reply('SLUICE the limit is kept by a newer version, ' .. meta[1])
end
local run, seen = meta[2], tonumber(meta[3])
local fence, lives, learn = tonumber(meta[4]) or 0, tonumber(meta[5]) or 0, tonumber(meta[6]) or 0
-- The clock of a server may be set back; of two that take over from one another either may be behind.
if seen and now < seen then now = seen end

local sessions, dirty = {}, {}
local stored = redis.call('HGETALL', KEYS[2])
for at = 1, #stored, 2 do sessions[stored[at]] = cmsgpack.unpack(stored[at + 1]) end

-- Who asks the server who it is, and not a client, whose idea of that is old. A restart takes longer than the gap.
local stalled = seen and now - seen > lease / 2
if not run or now - seen > GAP then
  local info = redis.call('INFO', 'server')
  local id = string.match(info, 'run_id:(%x+)')
  if not run then
    local young = tonumber(string.match(info, 'uptime_in_seconds:(%d+)')) * 1000 < lease + 1000
    local known = life > 0 or granted > 0
    if young or known or string.find(redis.call('INFO', 'commandstats'), 'cmdstat_flush', 1, true) then
      learn = now + lease
    end
  elseif id ~= run then
    learn = now + lease
    stalled = true
  end
  run = id
end
for name, each in pairs(sessions) do
  -- Where nobody was heard for so long it was the server that stood still, not all of them.
  if stalled and each.e < now + lease then
    each.e = now + lease
    dirty[name] = true
  end
  if each.e <= now then
    sessions[name] = nil
    redis.call('HDEL', KEYS[2], name)
  end
end

local used = function(except)
  local sum = 0
  for name, each in pairs(sessions) do if name ~= except then sum = sum + each.g - each.r end end
  return sum
end

local status, own, spare = 0, sessions[sid], 0
if life == 0 then
  if own and seq <= own.q then
    status = 3
  else
    local fits = granted == 0 or now < learn or used(sid) + granted <= limit
    lives = math.max(lives + 1, math.floor(now) * 1000)
    if not fits then status = 2 end
    own = { l = lives, n = 0, q = -1, g = fits and granted or 0, r = 0, f = fence, e = 0, w = {0, 0, 0, 0}, h = {}, t = '' }
    sessions[sid] = own
    -- Whoever came last has been deployed last.
    meta[7] = limit
  end
elseif not own or own.l ~= life then
  status = 1
  own = nil
else
  own.g = math.max(own.g, granted)
  own.r = math.min(math.max(own.r, returned), own.g)
end
limit = tonumber(meta[7]) or limit

if own and status ~= 3 and seq > own.q then
  own.q = seq
  own.e = now + lease
  own.w = { tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14]) }
  spare = tonumber(ARGV[15])
  own.h = {}
  -- What was granted to it and it did not know yet has found its waiters by now.
  local served, gone = life == 0 and 0 or own.g - granted, {}
  for at = 4, 1, -1 do
    gone[at] = math.min(served, own.w[at])
    own.w[at] = own.w[at] - gone[at]
    served = served - gone[at]
  end
  for class, age in string.gmatch(ARGV[16], '(%d),([%d.]+)') do
    local at = class + 1
    if gone[at] > 0 then
      gone[at] = gone[at] - 1
    else
      own.h[#own.h + 1] = at - 1
      own.h[#own.h + 1] = now - tonumber(age)
    end
  end
end
if own then dirty[sid] = true end
if own and leaves then
  sessions[sid] = nil
  dirty[sid] = nil
  own = nil
  redis.call('HDEL', KEYS[2], sid)
end

-- Foreign -2 says nothing about the others.
local say = function(name, each, shed, foreign, fair)
  each.n = each.n + 1
  return redis.call('SPUBLISH', KEYS[3] .. ':' .. name, table.concat({ text(each.l), text(each.n), text(each.g),
    text(each.f), foreign or -2, fair or 0, shed[1], shed[2], shed[3], shed[4] }, ','))
end

-- The next to serve: the best class; of these the oldest, or of the instance that holds least.
local deaf = {}
local best = function()
  local chosen, class, rank
  for name, each in pairs(sessions) do
    if not deaf[name] then
      for at = 4, 1, -1 do
        if class and at < class then break end
        if each.w[at] > 0 then
          local mine
          if strict then mine = each.h[1] == at - 1 and each.h[2] or math.huge
          else mine = each.g - each.r end
          -- Strict: those it has not named yet must name themselves first.
          if mine < math.huge and (not class or at > class or mine < rank or (mine == rank and name < chosen)) then
            chosen, class, rank = name, at, mine
          end
          break
        end
      end
    end
  end
  return chosen, class
end

local free = now >= learn and limit - used() or 0
local gains = {}
while free > 0 do
  local name, class = best()
  if not name then break end
  local each = sessions[name]
  each.g = each.g + 1
  each.w[class] = each.w[class] - 1
  if each.h[1] == class - 1 then
    table.remove(each.h, 1)
    table.remove(each.h, 1)
  end
  gains[name] = (gains[name] or 0) + 1
  free = free - 1
  if free == 0 or not best() then
    for told, gain in pairs(gains) do
      local one = sessions[told]
      fence = math.max(fence + 1, math.floor(now) * 4096)
      local before = one.f
      one.f = fence
      dirty[told] = true
      if told ~= sid then
        if say(told, one, {0, 0, 0, 0}) == 0 then
          -- Nobody there to hear it: taken back, and given to somebody else.
          one.g = one.g - gain
          one.f = before
          free = free + gain
          deaf[told] = true
        end
      end
    end
    gains = {}
  end
end
if own and free > 0 and spare > 0 then
  own.g = own.g + math.min(free, spare)
  fence = math.max(fence + 1, math.floor(now) * 4096)
  own.f = fence
end

-- Too many wait everywhere: the least important go, those of the caller first.
local shed, queued = {0, 0, 0, 0}, 0
for _, each in pairs(sessions) do for at = 1, 4 do queued = queued + each.w[at] end end
if queue > 0 and queued > queue then
  local over, told, names = queued - queue, {}, {}
  for name in pairs(sessions) do names[#names + 1] = name end
  table.sort(names)
  local take = function(name, each, at)
    local some = math.min(over, each.w[at])
    if some <= 0 then return end
    each.w[at] = each.w[at] - some
    over = over - some
    dirty[name] = true
    if name == sid then shed[at] = some return end
    told[name] = told[name] or {0, 0, 0, 0}
    told[name][at] = some
  end
  for at = 1, 4 do
    if own then take(sid, own, at) end
    for _, name in ipairs(names) do take(name, sessions[name], at) end
  end
  for name, some in pairs(told) do say(name, sessions[name], some) end
  queued = queue
end

-- Who waits where, so that each knows what it competes with.
local top, topName, second, active, count, oldest, soonest = -1, nil, -1, 0, 0, now, math.huge
for name, each in pairs(sessions) do
  local class = -1
  for at = 4, 1, -1 do if each.w[at] > 0 then class = at - 1 break end end
  if class > top then top, topName, second = class, name, top elseif class > second then second = class end
  if class >= 0 or each.g > each.r then active = active + 1 end
  count = count + 1
  for at = 2, #each.h, 2 do oldest = math.min(oldest, each.h[at]) end
  if name ~= sid and each.g > each.r then soonest = math.min(soonest, each.e) end
end
local fair, ownForeign = math.floor(limit / math.max(1, active)), -1
for name, each in pairs(sessions) do
  local foreign = name == topName and second or top
  local tell = foreign >= 0 and foreign .. ':' .. fair or ''
  if name == sid then ownForeign = foreign end
  if tell ~= each.t then
    if name == sid or foreign < 0 then
      each.t = tell
      dirty[name] = true
    elseif each.g > each.r then
      each.t = tell
      dirty[name] = true
      say(name, each, {0, 0, 0, 0}, foreign, fair)
    end
  end
end

local wake = 0
if top >= 0 and now < learn then wake = learn - now elseif top >= 0 and soonest < math.huge then wake = soonest - now end
local answer = own or { l = 0, n = 0, g = 0, f = fence }
if own then own.n = own.n + 1 end
for name in pairs(dirty) do
  if sessions[name] then redis.call('HSET', KEYS[2], name, cmsgpack.pack(sessions[name])) end
end
redis.call('HSET', KEYS[1], 'v', VERSION, 'run', run, 'seen', string.format('%.3f', now), 'fence', text(fence),
  'life', text(lives), 'learn', string.format('%.3f', learn), 'limit', text(limit))
redis.call('PEXPIRE', KEYS[1], REMEMBERED)
redis.call('PEXPIRE', KEYS[2], math.floor(lease * 10))
return { status, answer.l, answer.n, answer.g, answer.f, ownForeign, fair, shed[1], shed[2], shed[3],
  shed[4], limit, math.ceil(wake), count, used(), queued, math.ceil(now - oldest), now < learn and 1 or 0 }
`
