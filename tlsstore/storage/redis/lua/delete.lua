local key, most = ARGV[own + 1], tonumber(ARGV[own + 2])

local gone = { key }
if not redis.call('ZSCORE', index, key) then
	gone = redis.call('ZRANGEBYLEX', index, '[' .. key .. '/', '(' .. key .. '0', 'LIMIT', 0, most)
end
if #gone == 0 then
	return 'done'
end

-- This first: a server that is out of memory lets a script go on that has freed some.
for _, k in ipairs(gone) do
	redis.call('UNLINK', prefix .. 'v:' .. k)
	redis.call('ZREM', index, k)
end
begin()
changed(gone, true)
forget(1000)
if #gone == most then
	return 'more'
end
return 'done'
