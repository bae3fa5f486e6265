-- A loop in Ardour 7 without a screen, for trial_plugin_ardour.py: ardour7-lua reads this file.
--
-- The session is the one that trial_plugin_ardour.lua made, with the plugin in it, and a loop that was written into its file since:
-- Ardour 7's Lua can't make one.
--   TRIAL_DIR      the session's folder
--   TRIAL_LOOPS    how many takes, each begun at the loop's start
--   TRIAL_SECONDS  how long each rolls
local function setting(name, otherwise) return os.getenv(name) or otherwise end
local function rest(seconds) ARDOUR.LuaAPI.usleep(math.floor(seconds * 1000000)) end
local function say(...) print(...) io.stdout:flush() end

AudioEngine:set_backend("JACK", "ardour", "")
ARDOUR.config():set_processor_usage(1)
ARDOUR.config():set_periodic_safety_backups(false)
assert(load_session(setting("TRIAL_DIR", ""), "take"), "no session")
local ui = ARDOUR.TransportRequestSource.TRS_UI
rest(5) -- the engine starts
for number = 1, tonumber(setting("TRIAL_LOOPS", "10")) do
  Session:request_play_loop(true, true)
  rest(tonumber(setting("TRIAL_SECONDS", "7")))
  assert(Session:get_play_loop(), "it does not loop")
  say("looped to", Session:transport_sample())
  Session:request_stop(false, false, ui)
  rest(0.7)
end
say("stopped")
rest(0.5)
close_session()
