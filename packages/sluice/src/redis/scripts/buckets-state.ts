import {
  BELIEVED,
  COUNTED,
  DEMANDS,
  EPISODE,
  HEARD_OF,
  KEPT,
  LINES,
  MOST_SPARE,
  OVERDUE,
  PARTS,
  SERVED,
  SOON,
} from '../../coordinate/index.ts'
import { redisScript } from '../client-script.ts'
import type { RedisScript } from '../port.ts'

/**
 * One statement of one account, as in `BucketsStatement`; statement by statement `memoryBuckets` answers the same.
 *
 * KEYS 1 hash `sl1:{…}:tb`   one tenant; doubles, packed, for writing them out costs more than all else:
 *        s `birth time back sessions emptied expires stamp heldUntil fullAt1 interval1 capacity1 fullAt2 …`: birth in
 *          whole seconds of TIME, instants in ms since then, so that no digits are lost; the latest instant; by how much
 *          the server's clock has gone back since birth, for time never does; accounts heard of lately; 1 once emptied
 *          after a loss; when the key expires; since when the limits hold, in microseconds of TIME, at most 0 for those of
 *          the process that asks; until when nobody takes; of each bucket when it is full, and its limits
 *        a<session> `turn heard stamp level1 level2 …` of an account: `stamp` of the limits when it was last heard of
 *        o who waits, as MessagePack (scripts of before it was there leave it alone): `[episode noted virtual [demand …]]`:
 *          which time of waiting it is, when somebody was last refused, what a line begins with; each demand `session line
 *          priority charged until since called floor need1 need2 …`
 *      2 sorted set `sl1:{…}:ts`   accounts by when they were heard of
 *      3 sorted set `sl1:{…}:tl`   lines by what they have been charged, as long as somebody waits
 * ARGV 1 session   2 turn   3 the sum of 1 known, 2 critical, 4 news, 8 new limits, 16 in full, 32 with a demand
 *      4 stamp: at most 0 where the limits are those of the process, another for others
 *      then of each bucket: keep, need, want
 *      in full: 5 reserve   6 hold in ms, then of each bucket: keep, need, want, claim, interval in ms, capacity, and with
 *      news the most that is left or `-`
 *      with a demand, at the end: priority, line, charge, age in ms or -1 where nobody waits, for each line that is told of
 *      its name and what it was charged, how many of them wait, and how many they are
 *      (sending and reading a number costs more than most else: what is known is not sent, what is not needed, or the same
 *      text as the one before, is not read)
 * Returns whole numbers: of the sum of 1 granted and twice the sessions, then of each bucket what was granted beyond need
 *      and what is left, in parts (2^20 a token). Where it was not granted, or nobody takes, or other limits hold than were
 *      stated, then also: retryAfter and hold in microseconds, the stamp, and one text: interval and capacity of each.
 *      Where somebody is to ask sooner than it was told, or with a demand while somebody waits, at the end one text more:
 *      the session or `-`, then with a demand the episode, what a line begins with, and what those told of were charged.
 *      Nothing (nil), and then nothing has changed, where what was left out is not known: it is to be said in full.
 * Fails with STALE where a later statement came before.
 */
const SOURCE = `
local call, unpacked, key, heardOf, session = redis.call, struct.unpack, KEYS[1], KEYS[2], ARGV[1]
local turn, flags, stamp, reserve, hold = ARGV[2] + 0, ARGV[3] + 0, ARGV[4] + 0, 0, 0
local asks, last, told = flags >= 32, #ARGV, 0
local class, line, charge, age = -1, '', 0, -1
if asks then
  flags, told = flags - 32, ARGV[last] + 0
  last = last - 2 * told - 6
  class, line, charge, age = ARGV[last + 1] + 0, ARGV[last + 2], ARGV[last + 3] + 0, ARGV[last + 4] + 0
end
local full, first, width = flags >= 16, 5, 3
if full then flags, reserve, hold, first = flags - 16, ARGV[5] + 0, ARGV[6] + 0, 7 end
local renewed, news, critical, known = flags >= 8, flags % 8 >= 4, flags % 4 >= 2, flags % 2 == 1
if full then width = news and 7 or 6 end
local buckets = (last - first + 1) / width
local account = 'a' .. session
local had = call('HMGET', key, 's', account, 'o')
if not (full or (had[1] and had[2])) then return false end
local time = redis.call('TIME')
local seconds, micros = time[1] + 0, time[2] + 0
local whole, part = string.rep('d', 8 + 3 * buckets), string.rep('d', 3 + buckets)
local is, was = had[1], had[2]
local kept = is and {unpacked(whole, is)} or {seconds, 0, 0, 0, 0, 0, stamp, 0}
if not full and kept[7] ~= stamp then return false end
local now = (seconds - kept[1]) * 1000 + micros / 1000 + kept[3]
if now < kept[2] then
  kept[3] = kept[3] + kept[2] - now
  now = kept[2]
end
kept[2] = now
if not is then call('DEL', heardOf, KEYS[3]) end
local values
if was then
  values = {unpacked(part, was)}
  if turn <= values[1] then return redis.error_reply('STALE statement ' .. turn .. ' came after ' .. values[1]) end
end

local before = kept[7]
local current = before
if renewed then current = math.max(seconds * 1000000 + micros, before + 1)
elseif stamp > before or before <= 0 then current = stamp end
if current ~= before or not is then
  local moves = is and current > 0
  for i = 1, buckets do
    local at, arg = 3 * i, width * (i - 1) + 11
    local interval, capacity = ARGV[arg] + 0, ARGV[arg + 1] + 0
    if moves then
      local left = math.min(capacity, kept[at + 8] - math.max(0, kept[at + 6] - now) / kept[at + 7])
      kept[at + 6] = now + (capacity - left) * interval
    elseif not is then kept[at + 6] = now end
    kept[at + 7], kept[at + 8] = interval, capacity
  end
  kept[7] = current
end
if hold > 0 and (news or (known and not values)) and now + hold > kept[8] then kept[8] = now + hold end

if not values then
  values = {0, -1e18, stamp}
  local old = call('ZRANGEBYSCORE', heardOf, '-inf', now - ${KEPT}, 'LIMIT', 0, 100)
  for _, name in ipairs(old) do
    call('HDEL', key, 'a' .. name)
    call('ZREM', heardOf, name)
  end
  local empties = known and kept[5] == 0
  if empties then kept[5] = 1 end
  for i = 1, buckets do
    local at = 3 * i
    values[i + 3] = ARGV[width * (i - 1) + 10] + 0
    if empties then kept[at + 6] = math.max(now, kept[at + 6]) + kept[at + 8] * kept[at + 7] end
  end
end
values[1] = turn
local counts = now - values[2] > ${COUNTED}
if counts then
  values[2] = now
  call('ZADD', heardOf, string.format('%.17g', now), session)
  kept[4] = call('ZCOUNT', heardOf, '(' .. string.format('%.17g', now - ${HEARD_OF}), '+inf')
end

local episode, noted, virtual, waiting, lines, changed = 0, 0, 0, {}, {}, {}
if had[3] then
  local order = cmsgpack.unpack(had[3])
  episode, noted, virtual = order[1], order[2], order[3]
  for _, one in ipairs(order[4]) do
    if one[5] > now and one[1] ~= session then waiting[#waiting + 1] = one end
  end
  if #waiting == 0 and now - noted > ${EPISODE} then
    episode, virtual = 0, 0
    call('DEL', KEYS[3])
  end
end
local function chargedOf(name) return math.max(virtual, lines[name] or 0) end
local function charged(name, level)
  lines[name], changed[name] = level, true
  for _, one in ipairs(waiting) do
    if one[2] == name then one[4] = math.max(virtual, level) end
  end
end
local since = now - math.max(0, age)
local function before(a, b)
  if a[3] ~= b[3] then return a[3] > b[3] end
  if a[4] ~= b[4] then return a[4] < b[4] end
  if a[6] ~= b[6] then return a[6] < b[6] end
  return a[1] < b[1]
end
if asks and episode > 0 then
  local names = {line}
  for i = 1, told do names[i + 1] = ARGV[last + 3 + 2 * i] end
  local scores = call('ZMSCORE', KEYS[3], unpack(names))
  for i, name in ipairs(names) do lines[name] = tonumber(scores[i]) end
  for i = 1, told do
    local more = ARGV[last + 4 + 2 * i] + 0
    if more ~= 0 then charged(names[i + 1], chargedOf(names[i + 1]) + more) end
  end
end
local own, ahead, all, wants
if asks or #waiting > 0 then
  own = {session, line, class, chargedOf(line), 0, since, 0, 1e300}
  for i = 1, asks and ARGV[#ARGV - 1] + 0 or 0 do own[8] = math.min(own[8], chargedOf(ARGV[last + 3 + 2 * i])) end
end
if #waiting > 0 then
  ahead, all = {}, {}
  for i = 1, buckets do ahead[i], all[i] = 0, 0 end
end
for _, one in ipairs(waiting) do
  local isAhead = before(one, own)
  for i = 1, buckets do
    all[i] = all[i] + one[8 + i]
    if isAhead then ahead[i] = ahead[i] + one[8 + i] end
  end
end

local held = kept[8] - now
if held < 0 then held = 0 end
local granted, retryAfter, needs, refunds, fits = held == 0, held, {}, values[3] >= current or current <= 0, true
for i = 1, buckets do
  local at, arg = 3 * i, width * (i - 1) + first
  local interval, capacity, fullAt, given = kept[at + 7], kept[at + 8], kept[at + 6], ARGV[arg]
  local keep = given + 0
  local charge = keep - values[i + 3]
  values[i + 3] = keep
  if fullAt < now then fullAt = now end
  if charge > 0 or refunds then fullAt = fullAt + charge * interval end
  if fullAt < now then fullAt = now end
  if news then
    local most = tonumber(ARGV[arg + 6])
    if most then fullAt = math.max(fullAt, now + (capacity - most) * interval) end
  end
  kept[at + 6] = fullAt
  if ARGV[arg + 1] ~= given then
    local need = ARGV[arg + 1] + 0
    needs[i] = need
    local short = need - keep
    if short > 0 then
      wants = true
      if asks then own[8 + i] = short end
      if not critical then short = short + reserve * capacity end
      local lacks = short > capacity + 1e-6
      if ahead then short = short + ahead[i] end
      if fullAt + short * interval > now + (capacity + 1e-6) * interval then
        granted = false
        if lacks then fits = false end
        retryAfter = math.max(retryAfter, fullAt - now - (capacity - short) * interval)
      end
    end
  end
end

values[3] = current
local ends, reply = kept[8], {kept[4] * 2 + (granted and 1 or 0)}
if ends < now then ends = now end
for i = 1, buckets do
  local at, arg, more = 3 * i, width * (i - 1) + first, 0
  local interval, capacity, fullAt = kept[at + 7], kept[at + 8], kept[at + 6]
  if granted then
    local keep = values[i + 3]
    local need = needs[i] or keep
    if ARGV[arg + 2] ~= ARGV[arg + 1] then
      local left = capacity - (fullAt - now) / interval - (need - keep) - reserve * capacity
      if all then left = left - all[i] end
      more = math.max(0, math.floor(math.min(${MOST_SPARE}, ARGV[arg + 2] - need, left / kept[4]) * ${PARTS}))
    end
    local level = need + more / ${PARTS}
    fullAt = fullAt + (level - keep) * interval
    values[i + 3] = level
    kept[at + 6] = fullAt
  end
  if fullAt > ends then ends = fullAt end
  local left = (capacity - (fullAt - now) / interval) * ${PARTS}
  reply[2 * i], reply[2 * i + 1] = more, left < 9e18 and left > -9e18 and math.floor(left) or (left > 0 and 9e18 or -9e18)
end
if held > 0 or not granted or renewed or (current ~= stamp and current > 0) then
  local limits = {}
  for i = 1, buckets do limits[i] = string.format('%.17g %.17g', kept[3 * i + 7], kept[3 * i + 8]) end
  reply[2 * buckets + 2], reply[2 * buckets + 3] = math.ceil(retryAfter * 1000), math.ceil(held * 1000)
  reply[2 * buckets + 4], reply[2 * buckets + 5] = math.max(0, current), table.concat(limits, ' ')
end

local function note(one)
  for i = 1, buckets do one[8 + i] = one[8 + i] or 0 end
  waiting[#waiting + 1] = one
  if #waiting > ${DEMANDS} then
    local worst = 1
    for i = 2, #waiting do if before(waiting[worst], waiting[i]) then worst = i end end
    table.remove(waiting, worst)
  end
end
if asks and granted then
  if episode > 0 and wants then
    own[4] = own[4] + charge
    charged(line, own[4])
    own[5] = now + ${SERVED}
    for i = 1, buckets do own[8 + i] = 0 end
    if age >= 0 then note(own) end
  end
elseif asks and age >= 0 and fits then
  if episode == 0 then episode = math.max(1, seconds * 1000000 + micros) end
  noted = now
  own[5] = now + math.max(held, math.min(retryAfter, ${BELIEVED})) + ${OVERDUE}
  note(own)
end
local called = '-'
if #waiting > 0 then
  local least, following = 1 / 0, nil
  for _, one in ipairs(waiting) do
    least = math.min(least, one[4], one[8])
    local needs = 0
    for i = 1, buckets do needs = math.max(needs, one[8 + i]) end
    if needs > 0 and one[7] == 0 and (not following or before(one, following)) then following = one end
  end
  virtual = math.max(virtual, least)
  if following and held == 0 and following[5] - ${OVERDUE} > now + ${SOON} then
    local enough = true
    for i = 1, buckets do
      local need, at = following[8 + i], 3 * i
      if need > 0 then
        for _, one in ipairs(waiting) do if before(one, following) then need = need + one[8 + i] end end
        local left = kept[at + 8] - math.max(0, kept[at + 6] - now) / kept[at + 7]
        if following[3] ~= 3 then left = left - reserve * kept[at + 8] end
        if left < need then enough = false end
      end
    end
    if enough then following[7], called = 1, following[1] end
  end
end
if called ~= '-' or (asks and episode > 0) then
  local text = {called}
  if asks and episode > 0 then
    text[2], text[3] = string.format('%.17g', episode), string.format('%.17g', virtual)
    for i = 1, told do text[3 + i] = string.format('%.17g', chargedOf(ARGV[last + 3 + 2 * i])) end
  end
  reply[#reply + 1] = table.concat(text, ' ')
end
if next(changed) then
  local scored = {}
  for name in pairs(changed) do
    scored[#scored + 1] = string.format('%.17g', lines[name])
    scored[#scored + 1] = name
  end
  call('ZADD', KEYS[3], unpack(scored))
  call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - ${LINES})
  call('PEXPIRE', KEYS[3], ${KEPT})
end
if episode > 0 then call('HSET', key, 'o', cmsgpack.pack({episode, noted, virtual, waiting}))
elseif had[3] then call('HDEL', key, 'o') end
local expires = kept[6] < ends + ${KEPT}
if expires then kept[6] = math.ceil(ends) + 2 * ${KEPT} end
call('HSET', key, 's', struct.pack(whole, unpack(kept, 1, 8 + 3 * buckets)), account, struct.pack(part, unpack(values, 1, 3 + buckets)))
if expires then call('PEXPIRE', key, math.ceil(kept[6] - now)) end
if expires or counts then call('PEXPIRE', heardOf, math.ceil(kept[6] - now)) end
return reply
`

/** See {@link SOURCE}. */
export const bucketsState: RedisScript = redisScript('buckets-state', SOURCE)
