-- wrk's script: each request comes from the next person's session; think time as a person takes it.
-- Arguments: file with one cookie a line, mean think time in milliseconds (0: none).
local cookies, mean, at = {}, 0, 0

function init(args)
  for line in io.lines(args[1]) do cookies[#cookies + 1] = line end
  mean = tonumber(args[2])
  math.randomseed(20261127)
end

function request()
  at = at % #cookies + 1
  return wrk.format("GET", nil, {["Cookie"] = "__Host-session=" .. cookies[at], ["Host"] = "localhost"})
end

function delay()
  if mean == 0 then return 0 end
  return math.floor(mean * (0.5 + math.random()))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests": %d, "seconds": %.3f, "p50": %.1f, "p95": %.1f, "p99": %.1f, ' ..
    '"refused": %d, "broken": %d}\n', summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
