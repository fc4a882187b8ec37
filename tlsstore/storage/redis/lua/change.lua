-- What a script that changes something begins with. A lock that is not ours any more ends it
-- before its first write, so a refused change leaves nothing behind.
local meta, index, log, dead, breaks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local cold, prefix, known, fresh = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local fences = #KEYS - 5
for i = 1, fences do
	if redis.call('GET', KEYS[5 + i]) ~= ARGV[4 + i] then
		return 'lost'
	end
end
local own = 4 + fences -- ARGV[own + 1] is the script's first own argument

local function now()
	local t = redis.call('TIME')
	return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- An empty storage becomes one: with an epoch, and the epoch that we knew before it was lost.
-- A script that the server did not know means that the server is a new one: it was restarted,
-- or a replica has taken over. The last changes may be lost and their numbers given out again,
-- so the count goes on above all of them: at the time in microseconds, as a backup does not know
-- what was given out since. The break remembers that number, and when the last known change was.
local function begin()
	if redis.call('HEXISTS', meta, 'epoch') == 0 then
		redis.call('HSET', meta, 'epoch', fresh, 'former', known, 'began', now())
	end
	if cold == '1' then
		local last, at = unpack(redis.call('HMGET', meta, 'sequence', 'changed'))
		last = last or '0'
		local t = redis.call('TIME')
		local start = t[1] * 1000000 + t[2]
		if start <= tonumber(last) then -- the clock was set back
			start = last + 2 ^ 30
		end
		start = string.format('%.0f', start)
		redis.call('ZADD', breaks, last, last .. ' ' .. start .. ' ' .. (at or ''))
		redis.call('ZREMRANGEBYRANK', breaks, 0, -1001)
		redis.call('HSET', meta, 'sequence', start)
	end
end

-- Each key is in the log once, under the number of its last change.
local function changed(keys, gone)
	local number = redis.call('HINCRBY', meta, 'sequence', #keys) - #keys
	local time = now()
	redis.call('HSET', meta, 'changed', time)
	for i, key in ipairs(keys) do
		redis.call('ZADD', log, number + i, key)
		if gone then
			redis.call('ZADD', dead, time, key)
		else
			redis.call('ZREM', dead, key)
		end
	end
	redis.pcall('PUBLISH', prefix .. 'changed', '') -- a user who may not publish: others ask by themselves
end

-- Of a key that is gone for an hour the log forgets that it was, but not up to which number
-- it has forgotten.
local function forget(most)
	local old = redis.call('ZRANGEBYSCORE', dead, '-inf', now() - 3600000, 'LIMIT', 0, most)
	if #old == 0 then
		return
	end
	local forgotten = tonumber(redis.call('HGET', meta, 'forgotten')) or 0
	for _, key in ipairs(old) do
		forgotten = math.max(forgotten, tonumber(redis.call('ZSCORE', log, key)) or 0)
		redis.call('ZREM', log, key)
		redis.call('ZREM', dead, key)
	end
	redis.call('HSET', meta, 'forgotten', forgotten)
end
