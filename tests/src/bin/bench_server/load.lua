-- What `make bench-server` has wrk send. Arguments: the status that every answer must
-- have, the method, and, where requests have bodies, a file with one on each line. Each
-- of them is sent once; when all are answered, "done" is said on standard error.

local threads = {}
unexpected = 0

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    expected = tonumber(args[1])
    wrk.method = args[2]
    if args[3] then
        send_each_line_of(args[3])
    end
end

function response(status, _, body)
    if status ~= expected then
        if unexpected == 0 then
            io.stderr:write(status, " ", body, "\n")
        end
        unexpected = unexpected + 1
    end
    if answered then
        answered()
    end
end

function send_each_line_of(file)
    local bodies = {}
    for line in io.lines(file) do
        table.insert(bodies, line)
    end
    local unsent, sent, unanswered = #bodies, 0, #bodies
    local verified = false

    -- A connection with nothing left to send waits for the end.
    function delay()
        if unsent == 0 then
            return 3600000
        end
        unsent = unsent - 1
        return 0
    end

    function request()
        -- wrk makes one request only to look at it.
        if not verified then
            verified = true
            return wrk.format(nil, nil, nil, bodies[1])
        end
        sent = sent + 1
        -- A reverse proxy says for whom it asks: 4096 networks take turns.
        local network = sent % 4096
        local headers = { ["Content-Type"] = "application/json" }
        for name, value in pairs(wrk.headers) do
            headers[name] = value
        end
        headers["X-Forwarded-For"] =
            string.format("10.%d.%d.1", math.floor(network / 256), network % 256)
        return wrk.format(nil, nil, headers, bodies[sent])
    end

    function answered()
        unanswered = unanswered - 1
        if unanswered == 0 then
            io.stderr:write("done\n")
        end
    end
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.timeout
    for _, thread in ipairs(threads) do
        failed = failed + thread:get("unexpected")
    end
    io.write(string.format(
        '\n{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d}\n',
        summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), failed
    ))
end
