-- The script with which load.py runs wrk: wrk -s wrk.lua URL -- STATUS [FIRST_POST LAST_POST NAME]
-- Each response must have the status. With posts, it comments on them in turn, each time with a different text.

local threads = {}
-- Read by `done`, which runs in another thread.
wrong = 0

function setup(thread)
   table.insert(threads, thread)
end

function init(arguments)
   local status = tonumber(arguments[1])
   if status ~= 200 then
      -- wrk itself counts statuses from 400. Only other expectations are worth passing each response to Lua.
      response = function(actual)
         if actual ~= status then wrong = wrong + 1 end
      end
   end
   if arguments[2] then
      local first, last, name = tonumber(arguments[2]), tonumber(arguments[3]), arguments[4]
      local sent = 0
      local headers = { ["Content-Type"] = "application/x-www-form-urlencoded" }
      request = function()
         sent = sent + 1
         local path = string.format("/comments/on/post/%d/", first + sent % (last - first + 1))
         local form = string.format("name=Reader&email=reader%%40example.org&text=Comment+%d+of+%s", sent, name)
         return wrk.format("POST", path, headers, form)
      end
   end
end

-- Print requests, microseconds, the median and the slowest percent in microseconds, and how many failed.
function done(summary, latency)
   local errors, wrong_statuses = summary.errors, 0
   for _, thread in ipairs(threads) do
      wrong_statuses = wrong_statuses + thread:get("wrong")
   end
   local failed = errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format("\n%d %d %d %d %d %d\n", summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99), failed + wrong_statuses, errors.status))
end
