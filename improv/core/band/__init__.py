"""The rhythm section: a bassist and a drummer, told of each bar ahead."""
