// Package redis is the storage of a cluster: values, locks and changes in one Redis or Valkey
// server, of version 6.2 or newer, that all nodes use.
//
// Every key begins with Config.KeyPrefix, here "dwaar:", so that others may use the same server:
//
//	dwaar:v:KEY    hash    one value: data, and time, when it was stored, in nanoseconds, by the clock of who did
//	dwaar:index    zset    every KEY, all of score 0 and so in lexical order: prefixes are ranges
//	dwaar:log      zset    every KEY by the number of its last change, also when that deleted it
//	dwaar:dead     zset    deleted KEYs by when; after an hour both zsets forget them
//	dwaar:breaks   zset    numbers after which changes may have been lost, see lua/change.lua
//	dwaar:meta     hash    epoch, former, began (which content this is), sequence, changed (the
//	                       last change's number and time), forgotten (the last that the log forgot)
//	dwaar:l:NAME   string  a lock: its holder's token, gone when the lease ends
//	dwaar:ping     string  what Ping writes
//	dwaar:changed  channel told after every change
//
// Each change is one script, which checks the locks it is made under, and then writes value,
// index and log: there is no moment between the check and the write, and no change without its
// number. The server runs one script at a time.
//
// A user of the server needs no more than this:
//
//	ACL SETUSER dwaar on >PASSWORD ~dwaar:* &dwaar:* +@all -@dangerous -@admin
//
// A value survives what the server's own persistence survives: with "appendonly yes" and
// "appendfsync always" everything, with "appendfsync everysec" all but the last second of a
// machine that loses power. Eviction ("maxmemory-policy") must be off. Ping warns of a server
// that forgets.
package redis
