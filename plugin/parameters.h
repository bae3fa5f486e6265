/* The plugin's parameters, by number. Written by scripts/write_parameters.py from improv/bridge/parameters.py: change that.
 *
 * PARAMETER(number, symbol, label, unit, lowest, highest, default, whole, words)
 * words: the choices by their indices, each with a final newline; "" where the value is a number.
 */
#define PARAMETERS(PARAMETER) \
    PARAMETER(0, mode, "Mode", "", 0, 6, 0, 1, "trade\nsolo\necho\ncomp\nduet\nbass\ndrums\n") \
    PARAMETER(1, trade, "Trade", "bars", 0, 32, 0, 1, "") \
    PARAMETER(2, enter, "Enter", "", 0, 2, 0, 1, "beat\nbar\nnow\n") \
    PARAMETER(3, temperature, "Temperature", "", 0.05, 3, 1.1, 0, "") \
    PARAMETER(4, rhythm_temperature, "Rhythm temperature", "", 0.05, 3, 1, 0, "") \
    PARAMETER(5, density, "Density", "", -2, 2, 0, 0, "") \
    PARAMETER(6, top_p, "Top p", "", 0.05, 1, 1, 0, "") \
    PARAMETER(7, recall, "Recall", "", 0, 3, 1.5, 0, "") \
    PARAMETER(8, low, "Lowest note", "MIDI", 0, 127, 50, 1, "") \
    PARAMETER(9, high, "Highest note", "MIDI", 0, 127, 84, 1, "") \
    PARAMETER(10, feel, "Feel", "", 0, 2, 0, 1, "swing\nstraight\nany\n") \
    PARAMETER(11, loudness, "Loudness", "", -64, 64, 0, 1, "") \
    PARAMETER(12, interval, "Echo interval", "semitones", -24, 24, 0, 1, "") \
    PARAMETER(13, voicing, "Voicing", "", 0, 1, 0, 1, "rules\nlearned\n") \
    PARAMETER(14, accents, "Accents", "", 0, 2, 1, 0, "") \
    PARAMETER(15, seed, "Seed", "", 0, 9999, 1, 1, "") \
    PARAMETER(16, bypass, "Bypass", "", 0, 1, 0, 1, "") \
    PARAMETER(17, model, "Model", "", 0, 4, 0, 1, "jazz\npocket\ntutorial\nbass\ndrums\n") \
    PARAMETER(18, channel, "Output channel", "", 1, 16, 1, 1, "") \
    PARAMETER(19, thru, "Pass on what is heard", "", 0, 1, 0, 1, "") \
    PARAMETER(20, style, "Style", "", 0, 10, 0, 1, "auto\nswing\ntwo\nballad\nshuffle\nbossa\nsamba\nlatin\neven\nfunk\nrock\n") \
    PARAMETER(21, level, "Level", "", 0, 1.5, 1, 0, "") \
    PARAMETER(22, split, "Your line from", "MIDI", 0, 127, 0, 1, "") \
    PARAMETER(23, harmony_channel, "Channel of chords", "", 0, 16, 0, 1, "") \
    PARAMETER(24, quote, "Quotations", "", 0, 1, 0.5, 0, "") \
    PARAMETER(25, surprise, "Surprise controller", "", 0, 118, 0, 1, "") \
    PARAMETER(26, outside, "Outside", "", -1, 1, 0, 0, "")

#define PARAMETER_COUNT 27
