-- The plugin on a MIDI track of Ardour 7 without a screen, for trial_plugin_ardour.py: ardour7-lua reads this file.
--
-- Ardour joins the running JACK server and makes a session with two MIDI tracks: improv's plugin on the first, whose notes the second
-- records. At 120 bpm in 4/4, which is Ardour's default: a beat is 24,000 frames.
--   TRIAL_DIR      the session's folder; must not exist
--   TRIAL_TAKES    how many takes: each starts two bars after the one before
--   TRIAL_SECONDS  how long each rolls
-- At the end it jumps ten times while it rolls. Loops: trial_plugin_ardour_loop.lua.
local function setting(name, otherwise) return os.getenv(name) or otherwise end
local function rest(seconds) ARDOUR.LuaAPI.usleep(math.floor(seconds * 1000000)) end
local function say(...) print(...) io.stdout:flush() end

local ui = ARDOUR.TransportRequestSource.TRS_UI
AudioEngine:set_backend("JACK", "ardour", "")
ARDOUR.config():set_processor_usage(1) -- one thread: on few cores several are in the way of the other clients
ARDOUR.config():set_periodic_safety_backups(false)
assert(create_session(setting("TRIAL_DIR", ""), "take", 48000), "no session")

local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
local function track(name)
  local made = Session:new_midi_track(midi, midi, true, ARDOUR.PluginInfo(), nil, nil, 1, name, -1, ARDOUR.TrackMode.Normal, true)
  for one in made:iter() do return one end
end
local player = track("improv")
local processor = ARDOUR.LuaAPI.new_plugin(Session, "urn:improv:plugin", ARDOUR.PluginType.LV2, "")
assert(not processor:isnil(), "Ardour does not find the plugin")
assert(player:add_processor_by_index(processor, 0, nil, true) == 0, "Ardour does not take the plugin")
local plugin, number = processor:to_insert():plugin(0), 0
for i = 0, plugin:parameter_count() - 1 do
  if plugin:parameter_is_control(i) and plugin:parameter_is_input(i) then
    if plugin:parameter_label(i) == "Mode" then ARDOUR.LuaAPI.set_processor_param(processor, number, 1) end -- solo
    number = number + 1
  end
end
local take = track("take")
rest(1)
assert(os.execute("jack_connect 'ardour:improv/midi_out 1' 'ardour:take/midi_in 1'"))
rest(3) -- the engine starts

local function locate(frame, rolling)
  local where = rolling and ARDOUR.LocateTransportDisposition.MustRoll or ARDOUR.LocateTransportDisposition.MustStop
  Session:request_locate(frame, false, where, ui)
end
local function stop()
  Session:request_stop(false, false, ui)
  rest(0.7)
end

take:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
for number = 1, tonumber(setting("TRIAL_TAKES", "10")) do
  locate(number * 192000, false)
  rest(0.5)
  Session:maybe_enable_record()
  Session:request_roll(ui)
  rest(tonumber(setting("TRIAL_SECONDS", "4")))
  say("rolled to", Session:transport_sample(), "recording", Session:actively_recording())
  stop()
end
take:rec_enable_control():set_value(0, PBD.GroupControlDisposition.NoGroup)
Session:disable_record(false, false)

say("breaks") -- from here on, what is heard is looked at for notes that hang
locate(0, true)
for jump = 1, 10 do
  rest(0.9)
  locate(jump % 3 * 480000, true)
end
stop()
Session:save_state("")
close_session()
