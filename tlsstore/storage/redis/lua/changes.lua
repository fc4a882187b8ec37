local since, most = tonumber(ARGV[own + 1]), tonumber(ARGV[own + 2])

begin()
local epoch, former, began, sequence, forgotten = unpack(redis.call('HMGET', meta, 'epoch', 'former', 'began', 'sequence', 'forgotten'))
sequence = sequence or '0'

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
	return { epoch, sequence, 'all', {} }
end

-- Changes after that cursor are forgotten, or it was given out for some that are lost.
local broke = tonumber(redis.call('ZREVRANGEBYSCORE', breaks, '(' .. ARGV[own + 1], '-inf', 'LIMIT', 0, 1)[1])
if since < (tonumber(forgotten) or 0) or since > tonumber(sequence) or broke and since < broke + 2 ^ 30 then
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
