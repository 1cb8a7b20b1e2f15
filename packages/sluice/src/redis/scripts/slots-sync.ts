import { SLOTS_GRANT } from './slots-grant.ts'
import { SLOTS_NOTE } from './slots-note.ts'
import { SLOTS_READ } from './slots-read.ts'

/**
 * One report of one instance about one limit, and what it is answered. All decisions are made here, on the server's
 * clock; docs/decisions/0012-shares.md says why each line is safe.
 *
 * KEYS[1] hash of the limit: v run seen fence life learn limit · back, by how much the server's clock has gone back in all
 *   · many sessions at last · level, and since when · owed, packed: slots that each class is owed of its share · tags,
 *   packed: virtual time of the classes (1 to 4) and, by (line + 9) * 4 + class + 5, of the tenants ahead of it
 * KEYS[2] hash of its sessions: session → packed record, and :session → packed demand, 6 numbers for each
 *   l life · n number of the last thing said · q last report · g granted · r returned · f fence · e lease ends
 *   w waiting by class, 1 to 4 · k highest number it has named · u grants it may not know of (upTo, class, line, count,
 *   cost) · p best class it has named (-1: none), s since when its first waits · o since when the oldest does · x whether
 *   slots must come back · i line of the first · tf ts ta tu what it was last told: foreign, since when, fair, until
 * KEYS[3] channel of the limit; a session listens to KEYS[3]:session
 * ARGV[1] JSON: session, life (0: register), seq, granted or claimed, returned, limit, lease ms, queue (0: unbounded),
 *   order (0 share, 1 strict, or the share of each class × 4), leaves (0/1), waiting by class × 4, spare, then class,
 *   line, weight, cost, count, age of each demand
 * Returns JSON: status (0 ok, 1 unknown, 2 refused, 3 stale), limit, wake, sessions, waiting by class × 4, oldest,
 *   learning (0/1), then as in a message; whole numbers, ms
 * Messages, JSON: life, number, granted, fence, foreign, fair, shed × 4, level, used, queued, until, named, then upTo,
 *   class, line, count of each grant to a tenant
 *
 * Keys of others are never touched; the parts are one script, so that they share what they name. Its first line has the
 * server refuse it before it begins where it may not write (a replica, no memory, no disk): what was pushed by then would
 * be granted and kept nowhere.
 */
export const SLOTS_SYNC: string = `#!lua
${SLOTS_READ}${SLOTS_NOTE}${SLOTS_GRANT}
rank()
local fill, up, down = queued / (queue > 0 and queue or limit * ROOM), 0, 0
for at = 1, 3 do
  if fill >= FULL[at] then up = at end
  if fill >= FULL[at] * RELIEF then down = at end
end
up = max(up, min(level, down))
local turned = up ~= level and now - levelAt >= CALM
if turned then
  level = up
  keep('level', format('%d %.3f', level, now))
end
for name, shed in pairs(told) do if name ~= me then say(name, sessions[name], shed) end end
local sum, oldest, soonest = 0, now, huge
for name, each in pairs(sessions) do
  sum = sum + 1
  oldest = min(oldest, each.o)
  if name ~= me then
    local foreign, since = rivalOf(name)
    local holds = each.g > each.r
    local hears = turned
    if holds then
      soonest = min(soonest, each.e)
      if foreign >= 0 then
        if not strict then hears = hears or foreign ~= each.tf or fair < each.ta
        elseif foreign ~= each.tf then hears = hears or foreign > each.tf
        elseif since < each.ts then hears = hears or untilOf(name) < each.tu end
      end
    end
    if hears then say(name, each, NONE) end
  end
end

if sum ~= many then keep('many', sum) end
local wake = 0
if top >= 0 and now < learn then wake = learn - now elseif top >= 0 and soonest < huge then wake = soonest - now end
local news
if own then news = newsOf(sid, own, told[sid] or NONE)
else news = format('0,0,0,%.0f,-1,%d,0,0,0,0,%d,%d,%d,0,0', fence, fair, level, used, queued) end
local writes = {}
for name in pairs(dirty) do
  if sessions[name] then
    writes[#writes + 1] = name
    writes[#writes + 1] = cmsgpack.pack(sessions[name])
    if changed[name] then
      writes[#writes + 1] = ':' .. name
      local list, start = demandOf(name), starts[name]
      if start then list = { unpack(list, start) } end
      writes[#writes + 1] = cmsgpack.pack(list)
    end
  end
end
for _, name in ipairs(gone) do redis.call('HDEL', KEYS[2], name, ':' .. name) end
if #writes > 0 then redis.call('HSET', KEYS[2], unpack(writes)) end
keep('seen', format('%.3f', now))
keep('fence', format('%.0f', fence))
redis.call('HSET', KEYS[1], unpack(fields))
-- Not with each report; but whatever was created just now must have an end.
if life == 0 or not seen or floor(seen / lease) ~= floor(now / lease) then
  redis.call('PEXPIRE', KEYS[1], REMEMBERED)
  redis.call('PEXPIRE', KEYS[2], floor(lease * 10))
end
return format('[%d,%d,%d,%d,%d,%d,%d,%d,%d,%d,', status, limit, math.ceil(wake), sum, waiting[1], waiting[2],
  waiting[3], waiting[4], math.ceil(now - oldest), now < learn and 1 or 0) .. news .. ']'
`
