/**
 * The first part of the script `slots-sync`: reads what is kept, finds out whether the server is the one it was, and
 * whose report it is. Leaves `shares`, `sessions`, `own`, `status`, `used`, `limit`, `now` and `learn`.
 */
export const SLOTS_READ = `
local VERSION, REMEMBERED, GAP, TENANTS = 1, 86400000, 20, 512
local FULL, RELIEF, CALM, ROOM = { 0.5, 0.75, 0.9 }, 0.75, 100, 10
local floor, ceil, max, min, huge, format = math.floor, math.ceil, math.max, math.min, math.huge, string.format
local said = cjson.decode(ARGV[1])
local sid, life, seq, granted, returned = said[1], said[2], said[3], said[4], said[5]
local lease, queue, strict, leaves = said[7], said[8], said[9] == 1, said[10] == 1
local shares = type(said[9]) == 'table' and said[9]

local time = redis.call('TIME')
local meta = redis.call('HMGET', KEYS[1], 'v', 'run', 'seen', 'fence', 'life', 'learn', 'limit', 'level', 'tags', 'owed',
  'many', 'back')
if meta[1] and tonumber(meta[1]) > VERSION then
  return redis.error_reply('SLUICE the limit is kept by a newer version, ' .. meta[1])
end
local run, seen, many = meta[2], tonumber(meta[3]), tonumber(meta[11])
local fence, lives, learn = tonumber(meta[4]) or 0, tonumber(meta[5]) or 0, tonumber(meta[6]) or 0
local fields = {}
local keep = function(name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
-- The clock of a server may be set back; of two that take over from one another either may be behind. Time goes on.
local back = tonumber(meta[12]) or 0
local now = time[1] * 1000 + time[2] / 1000 + back
local behind = seen and now < seen
if behind then
  keep('back', format('%.3f', back + seen - now))
  now = seen
end

local sessions, packed, demands, dirty, gone = {}, {}, {}, {}, {}
local stored = redis.call('HGETALL', KEYS[2])
for at = 1, #stored, 2 do
  local name = stored[at]
  if string.byte(name) == 58 then packed[string.sub(name, 2)] = stored[at + 1]
  else sessions[name] = cmsgpack.unpack(stored[at + 1]) end
end

-- Who asks the server who it is, and not a client, whose idea of that is old. A restart takes longer than the gap.
local stalled = seen and now - seen > lease / 2
if not run or behind or now - seen > GAP then
  local info = redis.call('INFO', 'server')
  local id = string.match(info, 'run_id:(%x+)')
  if not run then
    local young = tonumber(string.match(info, 'uptime_in_seconds:(%d+)')) * 1000 < lease + 1000
    local known = life > 0 or granted > 0
    if young or known or string.find(redis.call('INFO', 'commandstats'), 'cmdstat_flush', 1, true)
      or string.find(redis.call('INFO', 'stats'), 'evicted_keys:[1-9]') then
      learn = now + lease
    end
  elseif id ~= run then
    learn = now + lease
    stalled = true
  end
  if id ~= run then
    keep('v', VERSION)
    keep('run', id)
    keep('learn', format('%.3f', learn))
  end
end
-- A server whose memory is full has thrown away who uses what.
if run and #stored == 0 and many and many > 0 and now - seen < lease then
  learn = now + lease
  keep('learn', format('%.3f', learn))
end
local used = 0
for name, each in pairs(sessions) do
  -- Where nobody was heard for so long it was the server that stood still, not all of them.
  if stalled and each.e < now + lease then
    each.e = now + lease
    dirty[name] = true
  end
  if each.e <= now then
    sessions[name] = nil
    gone[#gone + 1] = name
  else
    used = used + each.g - each.r
  end
end

local status, own, spare = 0, sessions[sid], 0
local limit = tonumber(meta[7]) or said[6]
if life == 0 then
  if own and seq <= own.q then
    status = 3
  else
    if own then used = used - own.g + own.r end
    local fits = granted == 0 or now < learn or used + granted <= limit
    lives = max(lives + 1, floor(now) * 1000)
    if not fits then status = 2 end
    own = { l = lives, n = 0, q = -1, g = fits and granted or 0, r = 0, f = fence, e = 0, w = { 0, 0, 0, 0 }, k = 0,
      u = {}, p = -1, s = 0, o = huge, x = false, i = 0, tf = -1, ts = 0, ta = 0, tu = 0 }
    used = used + own.g
    sessions[sid], packed[sid] = own, nil
    -- Whoever came last has been deployed last.
    limit = said[6]
    keep('limit', limit)
    keep('life', format('%.0f', lives))
  end
elseif not own or own.l ~= life then
  status = 1
  own = nil
else
  used = used - own.g + own.r
  own.g = max(own.g, granted)
  own.r = min(max(own.r, returned), own.g)
  used = used + own.g - own.r
end

`
