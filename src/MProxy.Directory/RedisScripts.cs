namespace MProxy.Directory;

/// <summary>What has to happen at once at the server. Each touches keys of one slot alone, so that a cluster takes it.</summary>
internal static class RedisScripts
{
    /// <summary>
    /// Renews a relay's lease: KEYS the relays, the refused ids of tokens; ARGV name, generation, lease in ms, what it says, and how long one that is lost is told of in ms.
    /// Gives standing, generation, version of the refused ids, and of each relay its name, generation, what is left of its lease in ms, and what it said.
    /// </summary>
    public const string Beat = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local generation = tonumber(ARGV[2])
        local known = redis.call('HGET', KEYS[1], ARGV[1])
        local latest = known and tonumber(string.match(known, '^%d+')) or 0
        local standing = 0
        if generation == 0 then
          generation = math.max(time[1] * 1000000 + time[2], latest + 1)
          standing = 1
        elseif not known then
          standing = 1
        elseif latest > generation then
          standing = 2
        end
        if standing < 2 then
          redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %.0f %s', generation, now + tonumber(ARGV[3]), ARGV[4]))
          redis.call('PEXPIRE', KEYS[1], ARGV[5])
        end
        local answer = { standing, string.format('%.0f', generation), redis.call('HGET', KEYS[2], '') or '0' }
        local all = redis.call('HGETALL', KEYS[1])
        for i = 1, #all, 2 do
          local held, till, said = string.match(all[i + 1], '^(%d+) (%d+) (.*)$')
          if not held or tonumber(till) + tonumber(ARGV[5]) < now then
            redis.call('HDEL', KEYS[1], all[i])
          else
            answer[#answer + 1] = all[i]
            answer[#answer + 1] = held
            answer[#answer + 1] = string.format('%.0f', tonumber(till) - now)
            answer[#answer + 1] = said
          end
        end
        return answer
        """;

    /// <summary>A relay is gone: KEYS the relays; ARGV name, generation.</summary>
    public const string Leave = """
        local known = redis.call('HGET', KEYS[1], ARGV[1])
        if known and string.match(known, '^%d+') == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
        """;

    /// <summary>Adds and takes away refused ids: KEYS those; ARGV how many are added, and the ids. The field without a name counts the changes.</summary>
    public const string Revoke = """
        for i = 2, #ARGV do
          if i - 1 <= tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'id ' .. ARGV[i], '1') else redis.call('HDEL', KEYS[1], 'id ' .. ARGV[i]) end
        end
        local time = redis.call('TIME')
        redis.call('HSET', KEYS[1], '', time[1] .. string.format('%06d', time[2]))
        """;

    /// <summary>Notes a route: KEYS the route; ARGV relay, generation, links, links below, how long it is kept in ms, channel. Gives 0 where a later relay of that name noted one.</summary>
    public const string Put = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local known = redis.call('HGET', KEYS[1], ARGV[1])
        if known and tonumber(string.match(known, '^%d+')) > tonumber(ARGV[2]) then return 0 end
        local isGone = ARGV[3] == '0' and ARGV[4] == '0'
        if isGone then
          redis.call('HDEL', KEYS[1], ARGV[1])
        else
          redis.call('HSET', KEYS[1], ARGV[1], string.format('%s %s %s %.0f', ARGV[2], ARGV[3], ARGV[4], now + tonumber(ARGV[5])))
          redis.call('PEXPIRE', KEYS[1], ARGV[5])
        end
        local all = redis.call('HGETALL', KEYS[1])
        for i = 1, #all, 2 do
          local till = string.match(all[i + 1], '(%d+)$')
          if not till or tonumber(till) < now then redis.call('HDEL', KEYS[1], all[i]) end
        end
        if (not known) ~= isGone or (known and string.match(known, '^%d+') ~= ARGV[2]) then redis.call('SPUBLISH', ARGV[6], ARGV[1]) end
        return 1
        """;

    /// <summary>
    /// Notes a device's link: KEYS the device; ARGV session, generation or 0, relay, how long it is kept in ms. Gives session, generation, and the other
    /// relays that have a link of it.
    /// </summary>
    public const string Claim = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local session = redis.call('HGET', KEYS[1], 'session')
        local generation = tonumber(redis.call('HGET', KEYS[1], 'generation') or '0')
        local mine = tonumber(ARGV[2])
        if session ~= ARGV[1] then
          if session and mine > 0 and generation > mine then return { session, string.format('%.0f', generation) } end
          session = ARGV[1]
          generation = mine > generation and mine or math.max(generation + 1, time[1] * 1000000 + time[2])
          redis.call('HSET', KEYS[1], 'session', session, 'generation', string.format('%.0f', generation))
        end
        redis.call('HSET', KEYS[1], 'at ' .. ARGV[3], string.format('%.0f', now + tonumber(ARGV[4])))
        redis.call('PEXPIRE', KEYS[1], ARGV[4])
        local answer = { session, string.format('%.0f', generation) }
        local all = redis.call('HGETALL', KEYS[1])
        for i = 1, #all, 2 do
          local node = string.match(all[i], '^at (.*)$')
          if node and tonumber(all[i + 1]) < now then
            redis.call('HDEL', KEYS[1], all[i])
          elseif node and node ~= ARGV[3] then
            answer[#answer + 1] = node
          end
        end
        return answer
        """;
}
