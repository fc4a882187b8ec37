local key, value, time = ARGV[own + 1], ARGV[own + 2], ARGV[own + 3]

-- As in a file system, nothing is a key and a prefix.
local slash = string.find(key, '/', 1, true)
while slash do
	if redis.call('EXISTS', prefix .. 'v:' .. string.sub(key, 1, slash - 1)) == 1 then
		return 'below a key'
	end
	slash = string.find(key, '/', slash + 1, true)
end
if #redis.call('ZRANGEBYLEX', index, '[' .. key .. '/', '(' .. key .. '0', 'LIMIT', 0, 1) > 0 then
	return 'a prefix'
end

-- What somebody has changed or deleted since it was read is not replaced.
local old = ARGV[own + 4]
if old and redis.call('HGET', prefix .. 'v:' .. key, 'data') ~= old then
	return 'replaced'
end

redis.call('HSET', prefix .. 'v:' .. key, 'data', value, 'time', time)
redis.call('ZADD', index, 0, key)
begin()
changed({ key }, false)
forget(10)
return 'done'
