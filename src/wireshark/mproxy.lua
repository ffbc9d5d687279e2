-- M-PROXY in Wireshark and tshark: frames over tcp, tls (with a key log) and WebSocket.
-- Copy it to the folder of personal Lua plugins (Help, About, Folders), or give it to tshark with -X lua_script:mproxy.lua.
--
-- Filters: mproxy.kind == "error", mproxy.client == "IPv4,192.0.2.7,4321", mproxy.control.command == "grant", mproxy.size > 60000, ...

local mproxy = Proto("mproxy", "M-PROXY")

mproxy.prefs.max_body = Pref.uint("Largest body, in MiB", 64, "A frame that declares more is malformed: nothing is collected for it.")
mproxy.prefs.tcp_ports = Pref.range("Ports of tcp and tls", "", "Where links are, beside those that are found by their first bytes.", 65535)

local VERSION = 254
local LEAST_FIELDS = 5

-- What stands in the fifth field; anything else there is the service of a message.
local VERBS = { connection = true, control = true, ["end"] = true, error = true, pause = true, resume = true }

local field = {
  version = ProtoField.uint8("mproxy.version", "Version byte", base.DEC),
  header_length = ProtoField.uint8("mproxy.header_length", "Header length", base.DEC),
  header = ProtoField.string("mproxy.header", "Header", base.UNICODE),
  kind = ProtoField.string("mproxy.kind", "Kind"),
  client = ProtoField.string("mproxy.client", "Client", base.UNICODE, "Family, address and port: who a frame is about on its link"),
  family = ProtoField.string("mproxy.family", "Family", base.UNICODE),
  address = ProtoField.string("mproxy.address", "Address", base.UNICODE),
  port = ProtoField.uint16("mproxy.port", "Port", base.DEC),
  size = ProtoField.uint64("mproxy.size", "Size", base.DEC, nil, nil, "Bytes of the body"),
  service = ProtoField.string("mproxy.service", "Service", base.UNICODE),
  service_port = ProtoField.uint16("mproxy.service_port", "Service port", base.DEC),
  name = ProtoField.string("mproxy.name", "Name", base.UNICODE),
  go_form = ProtoField.bool("mproxy.go_form", "Trailing comma and line end", base.NONE, nil, nil, "As the Go implementation writes its headers"),
  body = ProtoField.bytes("mproxy.body", "Body"),
  control = ProtoField.string("mproxy.control", "Control", base.UNICODE),
  control_id = ProtoField.int64("mproxy.control.id", "Id", base.DEC),
  control_command = ProtoField.string("mproxy.control.command", "Command", base.UNICODE),
  error_code = ProtoField.string("mproxy.error.code", "Code", base.UNICODE),
  error_message = ProtoField.string("mproxy.error.message", "Message", base.UNICODE),
  received = ProtoField.uint64("mproxy.received", "Received so far", base.DEC, nil, nil, "Bytes that the sender of a pause or resume has had of this client"),
  rest = ProtoField.bytes("mproxy.rest", "Bytes that are no frame"),
}
mproxy.fields = field

local expert_of = {
  version = ProtoExpert.new("mproxy.bad_version", "The version byte is not 254", expert.group.MALFORMED, expert.severity.ERROR),
  empty = ProtoExpert.new("mproxy.no_header", "The header is empty", expert.group.MALFORMED, expert.severity.ERROR),
  fields = ProtoExpert.new("mproxy.few_fields", "The header has fewer than five fields", expert.group.MALFORMED, expert.severity.ERROR),
  size = ProtoExpert.new("mproxy.bad_size", "The size is no decimal number", expert.group.MALFORMED, expert.severity.ERROR),
  limit = ProtoExpert.new("mproxy.large_size", "The body is beyond the largest that is collected", expert.group.MALFORMED, expert.severity.ERROR),
  port = ProtoExpert.new("mproxy.bad_port", "A port is no number from 0 to 65535", expert.group.MALFORMED, expert.severity.ERROR),
  padding = ProtoExpert.new("mproxy.padding", "One space of padding, as old peers send for no body", expert.group.PROTOCOL, expert.severity.CHAT),
  failed = ProtoExpert.new("mproxy.client_failed", "This client has failed", expert.group.RESPONSE_CODE, expert.severity.WARN),
}
mproxy.experts = expert_of

local tcp_stream = Field.new("tcp.stream")
local json = Dissector.get("json")

-- Per way of a WebSocket: what its messages have brought of a frame that is not whole.
local pending = {}
-- Per packet and message: what was pending before it, for when the packet is looked at again.
local before = {}

function mproxy.init()
  pending, before = {}, {}
end

-- The fields of a header, with where each stands in it.
local function split(header)
  local fields, at = {}, 1
  repeat
    local comma = header:find(",", at, true)
    fields[#fields + 1] = { text = header:sub(at, comma and comma - 1 or #header), at = at - 1 }
    at = comma and comma + 1
  until not at
  return fields
end

-- What a frame at this offset is, as far as it is there: either more bytes are needed, or it is malformed, or its length is known.
local function measure(buffer, offset)
  local there = buffer:len() - offset
  if there < 2 then
    return { needs = DESEGMENT_ONE_MORE_SEGMENT }
  end
  local length = buffer(offset + 1, 1):uint()
  local frame = { header_length = length }
  if buffer(offset, 1):uint() ~= VERSION then
    frame.malformed = "version"
  elseif length == 0 then
    frame.malformed = "empty"
  elseif there < 2 + length then
    frame.needs = DESEGMENT_ONE_MORE_SEGMENT
  else
    frame.header = buffer(offset + 2, length):raw()
    frame.fields = split(frame.header)
    local size = frame.fields[4] and frame.fields[4].text
    if #frame.fields < LEAST_FIELDS then
      frame.malformed = "fields"
    elseif not size:match("^%d+$") then
      frame.malformed = "size"
    elseif tonumber(size) > mproxy.prefs.max_body * 1048576 then
      frame.malformed = "limit"
    else
      frame.size = math.floor(tonumber(size))
      frame.length = 2 + length + frame.size
      if there < frame.length then
        frame.needs = frame.length - there
      end
    end
  end
  return frame
end

local function add_port(tree, which, part, range)
  local number = part.text:match("^%d+$") and tonumber(part.text)
  if number and number <= 65535 then
    tree:add(which, range, math.floor(number))
  elseif part.text ~= "" then
    tree:add_proto_expert_info(expert_of.port, "'" .. part.text .. "' is no port")
  end
end

-- A JSON string of an object, as far as it has no escapes that matter to whoever filters.
local function member(text, name)
  return text:match('"' .. name .. '"%s*:%s*"(.-[^\\])"')
end

local function add_body(tree, pinfo, kind, range)
  local item = tree:add(field.body, range)
  local text = range:raw()
  if kind ~= "message" and text == " " then
    item:add_proto_expert_info(expert_of.padding)
  elseif kind == "control" then
    tree:add(field.control, range, text)
    local id, command = text:match('^%s*%[%s*(-?%d+)%s*,%s*"?([%w_]*)')
    if id then
      -- What no number of 64 bits holds is shown as text alone.
      if #id <= 18 then
        tree:add(field.control_id, range, Int64.new(id))
      end
      if command ~= "" and command ~= "null" then
        tree:add(field.control_command, range, command)
      end
    end
    json:call(range:tvb(), pinfo, tree)
    return id and (command ~= "" and command ~= "null") and command or (id and "reply to " .. id:gsub("-", ""))
  elseif kind == "error" then
    local code, message = member(text, "code"), member(text, "message") or text
    if code then
      tree:add(field.error_code, range, code)
    end
    tree:add(field.error_message, range, message)
    item:add_proto_expert_info(expert_of.failed, (code or "no code") .. ": " .. message)
    return code
  elseif (kind == "pause" or kind == "resume") and text:match("^%d+$") and #text <= 18 then
    tree:add(field.received, range, UInt64.new(text))
  end
end

-- Shows one whole frame; what it is in a few words.
local function show(buffer, offset, frame, pinfo, root)
  local fields = frame.fields
  local service = fields[5].text
  local kind = VERBS[service] and service or "message"
  local tree = root:add(mproxy, buffer(offset, frame.length))
  tree:add(field.version, buffer(offset, 1))
  tree:add(field.header_length, buffer(offset + 1, 1))
  local header = tree:add(field.header, buffer(offset + 2, frame.header_length), frame.header)

  local function range(part)
    return buffer(offset + 2 + part.at, #part.text)
  end

  tree:add(field.kind, range(fields[5]), kind)
  local words = kind
  if kind ~= "control" then
    local client = fields[1].text .. "," .. fields[2].text .. "," .. fields[3].text
    tree:add(field.client, buffer(offset + 2, #client), client)
    header:add(field.family, range(fields[1]), fields[1].text)
    header:add(field.address, range(fields[2]), fields[2].text)
    add_port(header, field.port, fields[3], range(fields[3]))
    words = client .. " " .. kind
  end
  header:add(field.size, range(fields[4]), UInt64.new(fields[4].text))

  local named = kind == "message" and fields[5] or kind == "connection" and fields[8]
  if named and named.text ~= "" then
    header:add(field.service, range(named), named.text)
    words = words .. " " .. named.text
  end
  if fields[6] then
    add_port(header, field.service_port, fields[6], range(fields[6]))
  end
  if fields[7] and fields[7].text ~= "" then
    header:add(field.name, range(fields[7]), fields[7].text)
    words = words .. " " .. fields[7].text
  end
  if kind ~= "connection" and fields[8] and fields[8].text == "\n" then
    header:add(field.go_form, range(fields[8]), true)
  end

  local said = frame.size > 0 and add_body(tree, pinfo, kind, buffer(offset + 2 + frame.header_length, frame.size))
  if said then
    words = words .. " " .. said
  elseif kind == "message" then
    words = words .. ", " .. frame.size .. " bytes"
  end
  tree:append_text(", " .. words)
  return words
end

-- Shows all frames of a buffer. How far it came, and what is needed for the next; nothing is needed where no next can be found.
local function show_all(buffer, pinfo, root)
  local offset, told = 0, {}
  pinfo.cols.protocol = "M-PROXY"
  while offset < buffer:len() do
    local frame = measure(buffer, offset)
    if frame.malformed then
      local tree = root:add(mproxy, buffer(offset))
      tree:add(field.rest, buffer(offset))
      tree:add_proto_expert_info(expert_of[frame.malformed])
      told[#told + 1] = "malformed"
      offset = buffer:len()
    elseif frame.needs then
      break
    else
      told[#told + 1] = show(buffer, offset, frame, pinfo, root)
      offset = offset + frame.length
    end
  end
  if #told > 0 then
    pinfo.cols.info = table.concat(told, "; ")
  end
  return offset, offset < buffer:len() and measure(buffer, offset).needs or nil
end

-- tcp and tls: what is not whole is put together below.
function mproxy.dissector(buffer, pinfo, root)
  local offset, needs = show_all(buffer, pinfo, root)
  if needs then
    pinfo.desegment_offset, pinfo.desegment_len = offset, needs
  end
  return buffer:len()
end

-- The first bytes of a link: a version byte, and as much as is there of a header that can be one.
local function is_start(buffer, least)
  local there = buffer:len()
  if there < least or buffer(0, 1):uint() ~= VERSION or (there > 1 and buffer(1, 1):uint() < 8) then
    return false
  end
  local header = there > 2 and buffer(2, math.min(5, there - 2)):raw() or ""
  for _, start in ipairs({ ",,,", "IPv4,", "IPv6,", "tun," }) do
    local both = math.min(#start, #header)
    if header:sub(1, both) == start:sub(1, both) then
      return true
    end
  end
  return false
end

local function try_stream(buffer, pinfo, root)
  local is_link = is_start(buffer, 8)
  if is_link then
    mproxy.dissector(buffer, pinfo, root)
  end
  return is_link
end

-- A message, behind what was there before it; nothing where it completes no frame.
local function show_messages(buffer, earlier, pinfo, root)
  if not earlier then
    pinfo.cols.protocol = "M-PROXY"
    pinfo.cols.info = "part of a frame, " .. buffer:len() .. " bytes"
    return
  end
  return show_all(earlier == "" and buffer or ByteArray.new(earlier .. buffer:raw(), true):tvb("M-PROXY over several messages"), pinfo, root)
end

local function try_tcp(buffer, pinfo, root)
  local is_link = try_stream(buffer, pinfo, root)
  if is_link then
    -- From now on whatever comes. Of TLS that would be its records.
    pinfo.conversation = mproxy
  end
  return is_link
end

-- WebSocket: frames do not care for its messages, which nobody below puts together. What a way has of a frame that is not whole is kept in pieces, and joined
-- once, where the frame may be whole.
local function try_messages(buffer, pinfo, root)
  local stream = tcp_stream()
  local way = tostring(stream) .. " " .. tostring(pinfo.src) .. " " .. pinfo.src_port
  local bytes = buffer:raw()
  local packet = before[pinfo.number] or {}
  if pinfo.visited then
    local same = packet[bytes]
    if not same then
      return false
    end

    -- One packet may bring the same message twice: each in its turn.
    same.next = same.next % #same + 1
    show_messages(buffer, same[same.next], pinfo, root)
    return true
  end

  local kept = pending[way]
  if not kept and not is_start(buffer, 1) then
    return false
  end
  kept = kept or { have = 0, need = 0 }
  local earlier
  if kept.have + #bytes >= kept.need then
    earlier = table.concat(kept)
    local offset, needs = show_messages(buffer, earlier, pinfo, root)
    local rest = needs and (earlier .. bytes):sub(offset + 1) or ""
    local more = needs and (needs == DESEGMENT_ONE_MORE_SEGMENT and 1 or needs) or 0
    pending[way] = { rest, have = #rest, need = #rest + more }
  else
    kept[#kept + 1], kept.have = bytes, kept.have + #bytes
    pending[way] = kept
    show_messages(buffer, nil, pinfo, root)
  end

  before[pinfo.number] = packet
  packet[bytes] = packet[bytes] or { next = 0 }
  table.insert(packet[bytes], earlier or false)
  return true
end

mproxy:register_heuristic("tcp", try_tcp)
mproxy:register_heuristic("tls", try_stream)
mproxy:register_heuristic("ws", try_messages)

local known = ""
function mproxy.prefs_changed()
  for _, name in ipairs({ "tcp.port", "tls.port" }) do
    local ports = DissectorTable.get(name)
    if known ~= "" then
      ports:remove(known, mproxy)
    end
    if mproxy.prefs.tcp_ports ~= "" then
      ports:add(mproxy.prefs.tcp_ports, mproxy)
    end
  end
  known = mproxy.prefs.tcp_ports
end

DissectorTable.get("tcp.port"):add_for_decode_as(mproxy)
