-- One take in Ardour 7 without a screen, for trial_with_others.py: ardour7-lua reads this file.
--
-- Ardour joins the running JACK server, makes a session with one MIDI track, sends MIDI Clock, records what comes from
-- one JACK port, and saves. At 120 bpm in 4/4, which is Ardour's default: so a beat is 24,000 frames.
--   TAKE_DIR       the session's folder; must not exist
--   TAKE_FROM      the JACK port to record
--   TAKE_CLOCK_TO  the JACK port that hears the clock; may be empty
--   TAKE_SECONDS   how long to roll; TAKE_AGAIN how long to roll once more after a pause of 2 s (0: not)
--   TAKE_AT        the frame to start at
local function setting(name, otherwise) return os.getenv(name) or otherwise end
local function rest(seconds) ARDOUR.LuaAPI.usleep(math.floor(seconds * 1000000)) end
local function connect(from, to)
  if from == "" or to == "" then return end
  assert(os.execute(string.format("jack_connect '%s' '%s'", from, to)), "can't connect " .. from .. " to " .. to)
end

local ui = ARDOUR.TransportRequestSource.TRS_UI
local at = tonumber(setting("TAKE_AT", "0"))
AudioEngine:set_backend("JACK", "ardour", "")
ARDOUR.config():set_processor_usage(1) -- one thread: on few cores several are in the way of the other clients
ARDOUR.config():set_periodic_safety_backups(false)
assert(create_session(setting("TAKE_DIR", ""), "take", 48000), "no session")
ARDOUR.config():set_send_midi_clock(true)

local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
local made = Session:new_midi_track(midi, midi, true, ARDOUR.PluginInfo(), nil, nil, 1, "improv", -1, ARDOUR.TrackMode.Normal, true)
for track in made:iter() do track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup) end
connect(setting("TAKE_FROM", ""), "ardour:improv/midi_in 1")
connect("ardour:MIDI Clock out", setting("TAKE_CLOCK_TO", ""))
rest(1)

local function roll(seconds)
  Session:maybe_enable_record()
  Session:request_roll(ui)
  rest(seconds)
  print("rolled to", Session:transport_sample(), "recording", Session:actively_recording())
  Session:request_stop(false, false, ui)
  rest(1)
end

if at > 0 then
  Session:request_locate(at, false, ARDOUR.LocateTransportDisposition.MustStop, ui)
  rest(1)
end
roll(tonumber(setting("TAKE_SECONDS", "8")))
local again = tonumber(setting("TAKE_AGAIN", "0"))
if again > 0 then
  rest(1)
  roll(again)
end
Session:save_state("")
close_session()
