"""The engine of the plugin: improv in a DAW. `plugin/bridge.h` says what stands between it and the host."""
