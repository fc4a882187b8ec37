-- What is directly under a prefix, which is empty or ends with a slash: at most so many, and
-- where to go on.
local index, under, from, to, most = KEYS[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

local found = {}
while #found < most do
	local keys = redis.call('ZRANGEBYLEX', index, from, to, 'LIMIT', 0, 100)
	if #keys == 0 then
		return { '', found }
	end
	local child, last
	for _, key in ipairs(keys) do
		local slash = string.find(key, '/', #under + 1, true)
		child = slash and string.sub(key, 1, slash - 1) or key
		if child ~= last then
			found[#found + 1] = child
			from = slash and '[' .. child .. '0' or '(' .. child -- '0' comes after '/'
		end
		last = child
	end
end
return { from, found }
