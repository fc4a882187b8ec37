local since, most = tonumber(ARGV[own + 1]), tonumber(ARGV[own + 2])

begin()
local epoch, former, began, sequence, forgotten, last = unpack(redis.call('HMGET', meta, 'epoch', 'former', 'began', 'sequence', 'forgotten', 'changed'))
sequence = sequence or '0'

-- The last break below a number, where the count went on, and when the last change before it was.
local function broken(below)
	local found = redis.call('ZREVRANGEBYSCORE', breaks, below, '-inf', 'LIMIT', 0, 1)[1] or ''
	local start, time = string.match(found, '^%d+ (%d+) (%d*)$')
	return tonumber(start), time
end

-- What is known no better has changed long ago.
local function back(time)
	return { epoch, sequence, 'all ' .. ((time or '') ~= '' and time or '1'), {} }
end

-- Other content than the caller knows. Unless somebody has said so already, what is new within
-- an hour has begun where the caller's was lost.
if known ~= epoch then
	if former == '' and known ~= '' and now() - began < 3600000 then
		redis.call('HSET', meta, 'former', known)
		former = known
	end
	if redis.call('ZCARD', index) == 0 or known ~= '' and known == former then
		return { epoch, sequence, 'new', {} }
	end
	local _, time = broken('+inf')
	return back(time or last)
end

-- That cursor was given out for changes that are lost, or those after it are forgotten.
local start, time = broken('(' .. ARGV[own + 1])
if start and since < start then
	return back(time)
end
if since > tonumber(sequence) then
	return back(last)
end
if since < (tonumber(forgotten) or 0) then
	return { epoch, sequence, 'all', {} }
end

local found = redis.call('ZRANGEBYSCORE', log, '(' .. ARGV[own + 1], '+inf', 'WITHSCORES', 'LIMIT', 0, most)
local keys = {}
for i = 1, #found, 2 do
	keys[#keys + 1] = found[i]
end
if #keys == most then
	sequence = found[#found]
end
return { epoch, sequence, 'some', keys }
