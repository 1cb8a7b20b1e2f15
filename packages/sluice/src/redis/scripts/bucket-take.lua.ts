import { COUNTED, HEARD_OF, KEPT } from '../../coordinate/index.ts'
import { redisScript } from '../client-script.ts'
import type { RedisScript } from '../port.ts'

/**
 * One statement of one account, as in `BucketsStatement`; statement by statement `memoryBuckets` answers the same.
 *
 * KEYS 1 hash `sl1:{…}:tb`   one tenant; doubles, packed, for writing them out costs more than all else:
 *        s `birth time back sessions emptied fullAt1 fullAt2 …`: birth in whole seconds of TIME, instants in ms since
 *          then, so that no digits are lost; the latest instant; by how much the server's clock has gone back since
 *          birth, for time never does; accounts heard of lately; 1 once emptied after a loss; when each bucket is full
 *        a<session> `turn heard level1 level2 …` of an account
 *      2 sorted set `sl1:{…}:ts`   accounts by when they were heard of
 * ARGV 1 session   2 turn   3 known, 0 or 1
 *      then of each bucket: interval in ms, capacity, claim, keep, need, want
 * Returns one text of numbers: granted 0 or 1, retryAfter in ms, sessions, then of each bucket level, available.
 * Fails with STALE where a later statement came before.
 */
const SOURCE = `
local key, heardOf = KEYS[1], KEYS[2]
local session, turn, known = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local buckets = (#ARGV - 3) / 6
local had = redis.call('HMGET', key, 's', 'a' .. session)
local whole, part = string.rep('d', 5 + buckets), string.rep('d', 2 + buckets)
local time = redis.call('TIME')
local kept = had[1] and {struct.unpack(whole, had[1])} or {tonumber(time[1])}
local birth, back = kept[1], kept[3] or 0
local now = (tonumber(time[1]) - birth) * 1000 + tonumber(time[2]) / 1000 + back
local latest = kept[2] or now
if now < latest then
  back = back + latest - now
  now = latest
end
local sessions, emptied = kept[4] or 0, kept[5] or 0
if not had[1] then redis.call('DEL', heardOf) end

local heard, level, fullAt = -1e18, {}, {}
for i = 1, buckets do fullAt[i] = kept[5 + i] or now end
if had[2] then
  local values = {struct.unpack(part, had[2])}
  if turn <= values[1] then return redis.error_reply('STALE statement ' .. turn .. ' came after ' .. values[1]) end
  heard = values[2]
  for i = 1, buckets do level[i] = values[2 + i] end
else
  local old = redis.call('ZRANGEBYSCORE', heardOf, '-inf', now - ${KEPT}, 'LIMIT', 0, 100)
  for _, name in ipairs(old) do
    redis.call('HDEL', key, 'a' .. name)
    redis.call('ZREM', heardOf, name)
  end
  for i = 1, buckets do level[i] = tonumber(ARGV[i * 6]) end
  if known and emptied == 0 then
    emptied = 1
    for i = 1, buckets do fullAt[i] = now + tonumber(ARGV[i * 6 - 2]) * tonumber(ARGV[i * 6 - 1]) end
  end
end
local counts = now - heard > ${COUNTED}
if counts then
  heard = now
  redis.call('ZADD', heardOf, string.format('%.17g', now), session)
  sessions = redis.call('ZCOUNT', heardOf, '(' .. string.format('%.17g', now - ${HEARD_OF}), '+inf')
end

local granted, retryAfter = 1, 0
for i = 1, buckets do
  local at = i * 6 - 2
  local interval, capacity = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local keep, need = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  fullAt[i] = math.max(now, math.max(now, fullAt[i]) + (keep - level[i]) * interval)
  local short = need - keep
  if short > 0 and fullAt[i] + short * interval > now + (capacity + 1e-6) * interval then
    granted = 0
    retryAfter = math.max(retryAfter, fullAt[i] - now - (capacity - short) * interval)
  end
end

local account, state, last = {turn, heard}, {birth, now, back, sessions, emptied}, now
local reply = {string.format('%d %.17g %d', granted, retryAfter, sessions)}
for i = 1, buckets do
  local at = i * 6 - 2
  local interval, capacity = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local keep, need, want = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local level_now = keep
  if granted == 1 then
    local left = capacity - (fullAt[i] - now) / interval - (need - keep)
    level_now = need + math.max(0, math.min(want - need, left / sessions))
    fullAt[i] = fullAt[i] + (level_now - keep) * interval
  end
  account[2 + i] = level_now
  state[5 + i] = fullAt[i]
  reply[i + 1] = string.format('%.17g %.17g', level_now, capacity - (fullAt[i] - now) / interval)
  last = math.max(last, fullAt[i])
end
redis.call('HSET', key, 's', struct.pack(whole, unpack(state)), 'a' .. session, struct.pack(part, unpack(account)))
local ttl = math.ceil(last - now) + ${KEPT}
redis.call('PEXPIRE', key, ttl)
if counts then redis.call('PEXPIRE', heardOf, ttl) end
return table.concat(reply, ' ')
`

/** See {@link SOURCE}. */
export const bucketTake: RedisScript = redisScript('bucket-take', SOURCE)
