-- GET /products/{id}: a random product and a random token for each request. Arguments: files with one product id, and one token, per line.
local products, tokens = {}, {}

local function lines(path)
  local found = {}
  for line in io.lines(path) do found[#found + 1] = line end
  return found
end

function init(args)
  products, tokens = lines(args[1]), lines(args[2])
  math.randomseed(os.time())
end

function request()
  return 'GET /api/products/' .. products[math.random(#products)] .. ' HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer '
    .. tokens[math.random(#tokens)] .. '\r\n\r\n'
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"perSecond":%.1f,"requests":%d,"failed":%d,"p99Ms":%.3f}\n',
    summary.requests / summary.duration * 1e6, summary.requests, failed, latency:percentile(99) / 1000))
end
