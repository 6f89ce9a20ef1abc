"""Templates of stored photographs by another pack: a process beside all that is more urgent."""
