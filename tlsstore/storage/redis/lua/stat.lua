local value, index, key = KEYS[1], KEYS[2], ARGV[2]

local time = redis.call('HGET', value, 'time')
if time then
	return { 'key', redis.call('HSTRLEN', value, 'data'), time }
end
if #redis.call('ZRANGEBYLEX', index, '[' .. key .. '/', '(' .. key .. '0', 'LIMIT', 0, 1) > 0 then
	return { 'prefix' }
end
return { 'none' }
