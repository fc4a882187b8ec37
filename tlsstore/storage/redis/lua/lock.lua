-- A lock that is ours already was taken by this very call, whose first answer was lost.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then
	return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
